//! A PostgreSQL of its own for a test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{PostgresSettings, SecretRef};

/// A server that listens at a socket in its folder alone; stopped when it is dropped.
pub(crate) struct Server {
    binaries: PathBuf,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one, with the database `app` and the password `c0rrect-horse`.
    pub(crate) fn start() -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let binaries = versions.map(|version| version.path().join("bin"));
        let Some(binaries) = binaries.filter(|bin| bin.join("initdb").exists()).max() else {
            println!("skipped: no PostgreSQL server; install the package `postgresql`");
            return None;
        };
        // A short path: the names of sockets are bounded.
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { binaries, folder };
        fs::write(server.path("password"), "c0rrect-horse\n").unwrap();
        fs::create_dir(server.path("run")).unwrap();
        if rustix::process::geteuid().is_root() {
            let folder = server.folder.path();
            let done = Command::new("chown").args(["-R", "postgres"]).arg(folder).status();
            assert!(done.unwrap().success());
        }
        let text = |name: &str| server.path(name).display().to_string();
        server.postgres(
            "initdb",
            &[
                "-D",
                &text("data"),
                "-U",
                "postgres",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                &format!("--pwfile={}", text("password")),
                "--no-sync",
            ],
        );
        let options = format!("-k {} -c listen_addresses= -c fsync=off", text("run"));
        server.postgres(
            "pg_ctl",
            &["-D", &text("data"), "-w", "-t", "60", "-l", &text("log"), "-o", &options, "start"],
        );
        server.sql("postgres", "CREATE DATABASE app");
        Some(server)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        let host = self.path("run").display().to_string();
        PostgresSettings::new(host, "postgres", "app")
            .with_password(SecretRef::File(self.path("password")))
            .with_programs(&self.binaries)
    }

    /// Runs a program of the server's, as a user that it accepts.
    fn postgres(&self, program: &str, arguments: &[&str]) {
        let path = self.binaries.join(program);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        let done =
            command.args(arguments).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        assert!(done.status().unwrap().success(), "{program} failed");
    }

    /// Runs statements, and gives what they print.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> String {
        let done = self.psql(database).args(["-c", statements]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    /// A client of `database`, ready for more arguments.
    pub(crate) fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.binaries.join("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        command.env("PGHOST", self.path("run")).env("PGUSER", "postgres");
        command.env("PGPASSWORD", "c0rrect-horse").env("PGDATABASE", database);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        if Path::new(&data).join("postmaster.pid").exists() {
            self.postgres(
                "pg_ctl",
                &["-D", &data.display().to_string(), "-m", "immediate", "-w", "stop"],
            );
        }
    }
}
