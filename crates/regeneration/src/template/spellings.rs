//! What languages have made of names.

use std::sync::{Arc, PoisonError, RwLock};

use minijinja::value::Value;
use rustc_hash::FxHashMap;

use crate::language::LanguageProfile;

/// So many spellings are kept; then the memory begins anew.
const KEPT: usize = 1 << 17;

/// Names as languages spell them: templates ask for the same few thousand again and again, and
/// case and script of each character have to be looked at for an answer.
#[derive(Debug, Default)]
pub(crate) struct Spellings(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By filter and profile, and then by name.
    tables: FxHashMap<(&'static str, usize), FxHashMap<Box<str>, Value>>,
    count: usize,
}

impl Spellings {
    /// What a filter gives for a name in a language: known, or found out now. A profile is told
    /// from others by where it is, so whoever keeps these has to keep the profiles, too.
    pub(crate) fn of(
        &self,
        filter: &'static str,
        profile: &Arc<dyn LanguageProfile>,
        name: &str,
        spell: impl FnOnce() -> String,
    ) -> Value {
        let table = (filter, Arc::as_ptr(profile).cast::<()>().addr());
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(spelling) = known.tables.get(&table).and_then(|names| names.get(name)) {
            return spelling.clone();
        }
        drop(known);
        let spelling = Value::from(Arc::<str>::from(spell()));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.count >= KEPT {
            *known = Known::default();
        }
        known.count += 1;
        known.tables.entry(table).or_default().insert(name.into(), spelling.clone());
        spelling
    }
}
