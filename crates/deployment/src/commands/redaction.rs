use crate::Secret;

/// Takes secrets out of texts. Values of fewer than four bytes stay: there is nothing secret
/// about `1` or `on`, and without them no text could be read.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// The longest first, so that no part of one is left when a shorter one is inside it.
    secrets: Vec<String>,
}

/// What is too short to be a secret.
const SHORTEST: usize = 4;

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut known = Vec::new();
        for secret in secrets {
            let text = secret.expose();
            known.push(text.to_owned());
            // A key of many lines is also shown line by line, as by an error of a parser.
            known.extend(text.lines().map(|line| line.trim().to_owned()));
        }
        known.retain(|text| text.len() >= SHORTEST);
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
        Self { secrets: known }
    }

    /// How many bytes the longest secret has.
    pub(crate) fn longest(&self) -> usize {
        self.secrets.first().map_or(0, String::len)
    }

    /// The text from a place on, or from behind the secret that lies there, with each secret
    /// replaced.
    pub(crate) fn redact_from(&self, text: &str, from: usize) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut place = from;
        for (start, end) in self.found(text) {
            if end <= place {
                continue;
            }
            if start >= place {
                redacted.push_str(&text[place..start]);
                redacted.push_str(Secret::REDACTED);
            }
            place = end;
        }
        redacted.push_str(&text[place.min(text.len())..]);
        redacted
    }

    /// Where secrets lie, in order. Occurrences that overlap or touch are one place: of a
    /// text that repeats itself nothing is left over.
    fn found(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(at) = text[from..].find(secret.as_str()) {
                let start = from + at;
                places.push((start, start + secret.len()));
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        places.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in places {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }
}
