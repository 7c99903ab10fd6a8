//! What programs get of our own environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What every program gets of our own environment.
pub(super) const PASSED: [&str; 5] = ["PATH", "USER", "LOGNAME", "TMPDIR", "SSL_CERT_FILE"];

/// Where programs find themselves and what was installed for them: the variable, and the folder
/// below the user's own that stands for it where it is not set. Whoever has a home of his own
/// still needs these.
pub(super) const FINDERS: [(&str, &str); 12] = [
    ("RUSTUP_HOME", ".rustup"),
    ("CARGO_HOME", ".cargo"),
    ("GOPATH", "go"),
    ("GOCACHE", ".cache/go-build"),
    ("npm_config_cache", ".npm"),
    ("PYTHONUSERBASE", ".local"),
    ("PYENV_ROOT", ".pyenv"),
    ("VOLTA_HOME", ".volta"),
    ("FNM_DIR", ".local/share/fnm"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("NUGET_PACKAGES", ".nuget/packages"),
];

/// Whose settings a program finds in its home.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Home<'a> {
    /// The user's own.
    User,
    /// Nobody's: this folder, which is made where it is missing. What the user set for tools is
    /// no part of what is judged, and of no key.
    Own(&'a Path),
}

/// The environment of every program: the same wherever it can be, and of our own only what is
/// named. Who is given `HOME` by name has the user's.
pub(crate) fn clean_environment(passes: &[String], home: Home<'_>) -> BTreeMap<OsString, OsString> {
    let fixed = [
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("TERM", "dumb"),
        ("NO_COLOR", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    let nowhere = std::env::temp_dir().join("evergen-no-settings");
    let fixed = fixed.into_iter().map(|(name, value)| (name.into(), value.into()));
    let mut environment: BTreeMap<OsString, OsString> =
        fixed.chain([("XDG_CONFIG_HOME".into(), nowhere.into())]).collect();
    match home {
        Home::User => environment.extend(own("HOME")),
        Home::Own(folder) => {
            environment.extend(finders());
            if let Err(error) = std::fs::create_dir_all(folder) {
                tracing::debug!(folder = %folder.display(), %error, "a tool has no home");
            }
            environment.insert("HOME".into(), folder.into());
        }
    }
    let names = PASSED.into_iter().chain(passes.iter().map(String::as_str));
    environment.extend(names.filter_map(own));
    environment
}

fn own(name: &str) -> Option<(OsString, OsString)> {
    Some((name.into(), std::env::var_os(name)?))
}

fn finders() -> impl Iterator<Item = (OsString, OsString)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    FINDERS.into_iter().filter_map(move |(name, below)| {
        let usual = || {
            let folder = home.as_ref()?.join(below);
            folder.is_dir().then(|| (name.into(), folder.into()))
        };
        own(name).or_else(usual)
    })
}
