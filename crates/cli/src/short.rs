//! Statements with the project's prefixes, for a person to read.

use evergen_knowledge::Prefixes;
use evergen_regeneration::Settings;

/// The prefixes of a project, the longest namespace first.
#[derive(Clone, Debug)]
pub(crate) struct ShortNames {
    namespaces: Vec<(String, String)>,
}

impl ShortNames {
    /// The prefixes that queries and templates of the project know.
    pub(crate) fn of(settings: &Settings) -> Self {
        let mut prefixes = Prefixes::new();
        for (name, iri) in &settings.model.prefixes {
            if let Ok(more) = prefixes.clone().with(name, iri) {
                prefixes = more;
            }
        }
        let mut namespaces: Vec<_> =
            prefixes.iter().map(|(name, iri)| (iri.to_owned(), name.to_owned())).collect();
        namespaces.sort_by(|left, right| right.0.len().cmp(&left.0.len()).then(left.cmp(right)));
        Self { namespaces }
    }

    /// The text with a prefixed name for each IRI in angle brackets that has one.
    /// What stands in quotes is left as it is.
    pub(crate) fn shorten(&self, text: &str) -> String {
        let (mut short, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find(['<', '"']) {
            let (before, from) = rest.split_at(at);
            short.push_str(before);
            let length = if from.starts_with('"') {
                quoted_length(from)
            } else {
                from.find('>').map_or(from.len(), |end| end + 1)
            };
            let (part, after) = from.split_at(length);
            match self.name(part) {
                Some(name) => short.push_str(&name),
                None => short.push_str(part),
            }
            rest = after;
        }
        short + rest
    }

    /// The prefixed name of an IRI in angle brackets.
    fn name(&self, part: &str) -> Option<String> {
        let iri = part.strip_prefix('<')?.strip_suffix('>')?;
        let plain = |local: &str| {
            !local.is_empty() && local.chars().all(|c| c.is_alphanumeric() || "_-".contains(c))
        };
        self.namespaces.iter().find_map(|(namespace, name)| {
            let local = iri.strip_prefix(namespace.as_str()).filter(|local| plain(local))?;
            Some(format!("{name}:{local}"))
        })
    }
}

/// How long a quoted text is, with its quotes.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::ShortNames;
    use evergen_regeneration::Settings;

    fn check(text: &str, expected: &str) {
        let mut settings = Settings::default();
        settings.model.prefixes.insert("ex".to_owned(), "http://example.org/".to_owned());
        settings.model.prefixes.insert("deep".to_owned(), "http://example.org/a/".to_owned());
        assert_eq!(ShortNames::of(&settings).shorten(text), expected);
    }

    #[test]
    fn known_namespaces_are_shortened() {
        check(
            "+ <http://example.org/Order> <http://www.w3.org/2000/01/rdf-schema#label> _:b",
            "+ ex:Order rdfs:label _:b",
        );
        check("\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>", "\"1\"^^xsd:integer");
        check(
            "<http://example.org/a/b> <http://example.org/c/d>",
            "deep:b <http://example.org/c/d>",
        );
    }

    #[test]
    fn texts_are_left_as_they_are() {
        check(
            r#""<http://example.org/a> \" <http://example.org/a>"@en"#,
            r#""<http://example.org/a> \" <http://example.org/a>"@en"#,
        );
        check("\"open <x", "\"open <x");
        check("<open", "<open");
        check("a < b", "a < b");
    }
}
