//! The sandbox in which a generator's templates run.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use evergen_artifact::Digest;
use evergen_knowledge::Prefixes;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, Template, UndefinedBehavior};

use super::filters;
use super::library::Library;
use super::node::Trace;
use crate::language::{LanguageProfile, Languages};
use crate::settings::RenderLimits;

/// Template files that were asked for, by name, each with the digest that it had;
/// `None` for a name that did not exist.
pub(crate) type Loaded = BTreeMap<String, Option<Digest>>;

/// An environment that notes which files its templates ask for.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) environment: Environment<'static>,
    loaded: Arc<Mutex<Loaded>>,
    pub(crate) limits: RenderLimits,
}

impl Sandbox {
    /// A sandbox over a library. There is no way from it to files or the network.
    pub(crate) fn new(
        library: &Arc<Library>,
        prefixes: &Arc<Prefixes>,
        languages: &Languages,
        own: Option<&Arc<dyn LanguageProfile>>,
        limits: &RenderLimits,
    ) -> Self {
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(limits.fuel));
        environment.set_debug(true);
        filters::add(&mut environment, prefixes, languages, own);
        let loaded = Arc::new(Mutex::new(Loaded::new()));
        let (library, log) = (Arc::clone(library), Arc::clone(&loaded));
        environment.set_loader(move |name| {
            let file = library.files.get(name);
            let digest = file.map(|file| file.digest);
            log.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), digest);
            Ok(file.map(|file| file.body().to_owned()))
        });
        Self { environment, loaded, limits: limits.clone() }
    }

    /// The files that were asked for so far.
    pub(crate) fn loaded(&self) -> Loaded {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Renders within the limits.
    pub(crate) fn render(
        &self,
        template: &Template<'_, '_>,
        context: Value,
    ) -> Result<Vec<u8>, Error> {
        self.render_noting(template, context, 0, None)
    }

    /// Renders what is likely to be `about` so many bytes long.
    pub(crate) fn render_about(
        &self,
        template: &Template<'_, '_>,
        context: Value,
        about: usize,
    ) -> Result<Vec<u8>, Error> {
        self.render_noting(template, context, about, None)
    }

    /// Renders, and tells a trace how much is written.
    pub(crate) fn render_traced(
        &self,
        template: &Template<'_, '_>,
        context: Value,
        trace: &Trace,
    ) -> Result<Vec<u8>, Error> {
        self.render_noting(template, context, 0, Some(trace))
    }

    fn render_noting(
        &self,
        template: &Template<'_, '_>,
        context: Value,
        about: usize,
        trace: Option<&Trace>,
    ) -> Result<Vec<u8>, Error> {
        let limit = self.limits.max_artifact_bytes;
        render_bounded(template, context, (about, limit), trace).map(|(bytes, _)| bytes)
    }
}

/// Renders `about` so many bytes, at most `limit`, and says how much fuel it took.
pub(super) fn render_bounded(
    template: &Template<'_, '_>,
    context: Value,
    (about, limit): (usize, u64),
    trace: Option<&Trace>,
) -> Result<(Vec<u8>, u64), Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let bytes = Vec::with_capacity(about.clamp(1024, limit.max(1024)));
    let mut output = Bounded { bytes, limit, exceeded: false, trace };
    let rendered = template.render_captured_to(context, &mut output);
    let rendered = rendered.map(|captured| captured.state().fuel_levels());
    if output.exceeded {
        return Err(too_large(limit as u64));
    }
    Ok((output.bytes, rendered?.map_or(0, |(burnt, _)| burnt)))
}

/// What is said of a text that is longer than `limit` bytes.
pub(super) fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::WriteFailure,
        format!("the artifact is larger than {limit} bytes ([limits] max_artifact_bytes)"),
    )
}

/// A buffer that refuses to grow beyond a limit.
struct Bounded<'a> {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
    trace: Option<&'a Trace>,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.exceeded = true;
            return Err(io::Error::other("the artifact is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        if let Some(trace) = self.trace {
            trace.wrote(bytes.len());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
