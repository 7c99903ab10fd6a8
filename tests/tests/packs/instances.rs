//! Random instances of a model, in the form in which every language writes them.
//!
//! What one language writes another one reads: each reads such an instance and writes the very
//! same one, so that no two of them can differ.

use std::fs;
use std::path::Path;

use evergen_delta::TermRef;
use evergen_knowledge::{Format, Limits, Model, Tracker, parse};
use evergen_schema::{Class, DataRange, Facets, Member, Options, Property, Range, Schema, Text};
use evergen_tests::random::Random;
use regex::Regex;
use serde_json::{Map, Value, json};

/// An instance goes so deep.
const DEPTH: usize = 2;

/// Texts that end what they should not end, and that are written in other scripts.
const TEXTS: [&str; 12] = [
    "",
    "a",
    "plain words",
    "\"quoted\" and 'single'",
    "back\\slash \\n \\u0041",
    "line\nbreak\r\n\ttab",
    "*/ --> ]]> ${x} {{ y }} %s",
    "größe 中文 हिन्दी مرحبا",
    "👩‍🚒 \u{1F600}\u{10FFFF}",
    "\u{2028}\u{2029}\u{202e}\u{feff}\u{7f}\u{1}",
    "</script><!-- &amp; -->",
    "null",
];

/// What may match a pattern.
const CODES: [&str; 14] = [
    "ab",
    "abc",
    "abcd",
    "ABC",
    "a1",
    "A-1",
    "12345",
    "0",
    "x@example.org",
    "2024-05-01",
    "en",
    "A1B2C3",
    "01-23",
    "abc123",
];

/// Literals of the datatypes that have a grammar of their own.
const LITERALS: [(&str, &[&str]); 23] = [
    ("date", &["2024-02-29", "1999-12-31"]),
    ("Date", &["2024-02-29"]),
    ("dateTime", &["2024-02-29T10:20:30", "2024-02-29T10:20:30.125Z"]),
    ("DateTime", &["2024-02-29T10:20:30"]),
    ("dateTimeStamp", &["2024-02-29T10:20:30+02:00"]),
    ("time", &["10:20:30", "23:59:59"]),
    ("Time", &["10:20:30"]),
    ("duration", &["P1Y2M3DT4H5M6.7S", "PT1H"]),
    ("dayTimeDuration", &["PT2H", "P3DT4H"]),
    ("yearMonthDuration", &["P1Y2M"]),
    ("gDay", &["---31"]),
    ("gMonth", &["--05"]),
    ("gMonthDay", &["--02-29"]),
    ("gYear", &["2024"]),
    ("gYearMonth", &["2024-02"]),
    ("decimal", &["-1.50", "0", "12.5", "99", "1"]),
    ("rational", &["1/3"]),
    ("hexBinary", &["0AFF", ""]),
    ("base64Binary", &["AQID/w==", ""]),
    ("anyURI", &["https://x.example/a?b=c&d=%20#e", "urn:x"]),
    ("language", &["en", "pt-BR"]),
    ("QName", &["en"]),
    ("NOTATION", &["en"]),
];

/// A model with the names that were kept for it, and the instances that come of a seed.
pub(crate) struct Instances {
    tracker: Tracker,
    seed: u64,
}

impl Instances {
    /// Of all model files of a generated project.
    pub(crate) fn of(project: &Path, seed: u64) -> Self {
        let model = fs::read_dir(project.join("model")).unwrap();
        let mut files: Vec<_> = model.map(|file| file.unwrap().path()).collect();
        files.extend(Some(project.join("evergen.names.ttl")).filter(|names| names.exists()));
        files.sort();
        let sources = files.iter().map(|file| {
            let text = fs::read(file).unwrap();
            let format = Format::from_extension(file).unwrap();
            let source = parse(&text, format, "http://example.org/", &Limits::default()).unwrap();
            (file.display().to_string(), source)
        });
        Self { tracker: Tracker::new(Model::build(sources).unwrap().snapshot()), seed }
    }

    /// How many classes and properties the model has.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let options = Options::default();
        let schema = Schema::new(&self.tracker, &options);
        (schema.classes().len(), schema.context().iter().filter(|term| term.is_property).count())
    }

    /// So many instances, each with the name of its class. Classes whose instances need what
    /// can't be made here, as a text for an odd pattern, are left out.
    pub(crate) fn take(&self, count: usize) -> Vec<(String, Value)> {
        let options = Options::default();
        let schema = Schema::new(&self.tracker, &options);
        let names = schema.classes();
        let mut maker = Maker { schema, random: Random::new(self.seed) };
        let mut found = Vec::new();
        for _ in 0..count * 4 {
            let class = &names[maker.random.below(names.len())];
            let made = maker.instance(&class.iri, DEPTH);
            found.extend(made.map(|made| (class.name.to_string(), made)));
            if found.len() == count {
                break;
            }
        }
        found
    }
}

struct Maker<'a> {
    schema: Schema<'a>,
    random: Random,
}

impl Maker<'_> {
    fn class(&self, iri: &str) -> Option<Class> {
        self.schema.class(TermRef::Iri(iri).id())
    }

    fn instance(&mut self, iri: &str, depth: usize) -> Option<Value> {
        let class = self.class(iri)?;
        if class.is_abstract {
            return None;
        }
        let mut object = Map::new();
        object.insert("@type".to_owned(), json!(*class.name));
        for property in &class.properties {
            if property.min > 0 || self.random.percent(40) {
                let value = self.values(property, depth);
                if value.is_none() && property.min > 0 {
                    return None;
                }
                object.extend(value.map(|value| (property.name.to_string(), value)));
            }
        }
        // Where another one has it, one that says nothing of itself is a reference.
        if object.len() > 1 && self.random.percent(30) {
            object.insert("@id".to_owned(), json!("https://x.example/it"));
        }
        Some(object.into())
    }

    /// The values of a property, at least one.
    fn values(&mut self, property: &Property, depth: usize) -> Option<Value> {
        if !property.fixed.is_empty() {
            return None;
        }
        let least = usize::try_from(property.min).unwrap().max(1);
        let most = property.max.map_or(least + 2, |max| usize::try_from(max).unwrap());
        let most = most.clamp(least, least + 2);
        let count = least + self.random.below(most - least + 1);
        // One value for each language is easily had with one value.
        let count = if property.unique_lang { least } else { count };
        let mut values = Vec::new();
        for _ in 0..count {
            let range = &property.ranges[self.random.below(property.ranges.len())];
            values.push(self.value(range, depth)?);
        }
        if property.slot.is_single { values.pop() } else { Some(values.into()) }
    }

    fn value(&mut self, range: &Range, depth: usize) -> Option<Value> {
        match range {
            Range::Class(_) if depth == 0 || self.random.percent(40) => Some(reference()),
            Range::Class(class) => {
                let below = self.class(&class.iri)?.children;
                let deeper = self.random.percent(40) && !below.is_empty();
                let chosen = if deeper { &below[self.random.below(below.len())] } else { class };
                Some(self.instance(&chosen.iri, depth - 1).unwrap_or_else(reference))
            }
            Range::Enumeration(listed) => {
                let members = listed.members.clone().or_else(|| {
                    let whole = self.schema.enumeration(TermRef::Iri(&listed.iri).id());
                    whole.map(|whole| whole.members)
                })?;
                self.member(&members)
            }
            Range::Data(data) => self.literal(data),
            Range::Resource => Some(reference()),
            _ => Some(json!("anything")),
        }
    }

    fn member(&mut self, members: &[Member]) -> Option<Value> {
        let member = members.get(self.random.below(members.len()))?;
        match &member.value {
            evergen_schema::Value::Iri { .. } => Some(json!(*member.name)),
            evergen_schema::Value::Literal { value, datatype, language: None } => {
                Some(match local(datatype) {
                    "boolean" => json!(matches!(&**value, "true" | "1")),
                    "integer" => json!(value.parse::<i64>().ok()?),
                    "string" | "decimal" => json!(**value),
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    fn literal(&mut self, data: &DataRange) -> Option<Value> {
        let (name, facets) = (local(&data.base), &data.facets);
        if let Some((least, most)) = whole(name) {
            let bound = |bound: &Option<Text>, by: i64| match bound {
                Some(text) => text.parse::<i64>().map(|number| Some(number.saturating_add(by))),
                None => Ok(None),
            };
            let from =
                bound(&facets.min_inclusive, 0).ok()?.or(bound(&facets.min_exclusive, 1).ok()?);
            let to =
                bound(&facets.max_inclusive, 0).ok()?.or(bound(&facets.max_exclusive, -1).ok()?);
            let (from, to) = (from.unwrap_or(least).max(least), to.unwrap_or(most).min(most));
            let choices = [from, to, from.max(0).min(to), from.max(7).min(to)];
            let chosen = self.random.pick(&choices);
            return (from <= to && facets.total_digits.is_none()).then(|| json!(chosen));
        }
        match name {
            "boolean" | "Boolean" => return Some(json!(self.random.percent(50))),
            "True" => return Some(json!(true)),
            "False" => return Some(json!(false)),
            "JSON" => return Some(json!({ "a": [1, null, "x"] })),
            "langString" => return self.tagged(facets),
            "double" | "float" | "real" | "Number" | "Float" => {
                let texts = ["1.5", "0", "-2.25", "100", "0.5"];
                let fitting = texts.iter().filter(|text| is_within(facets, text));
                let numbers: Vec<f64> = fitting.filter_map(|text| text.parse().ok()).collect();
                return (!numbers.is_empty()).then(|| json!(self.random.pick(&numbers)));
            }
            _ => {}
        }
        let listed = LITERALS.iter().find(|(known, _)| *known == name).map(|(_, texts)| *texts);
        let is_strict = listed.is_some();
        let all = listed.unwrap_or(if is_word(name) { &CODES } else { &TEXTS });
        let codes: &[&str] = if is_strict { &[] } else { &CODES };
        let fitting: Vec<&str> =
            all.iter().chain(codes).copied().filter(|text| is_within(facets, text)).collect();
        (!fitting.is_empty()).then(|| json!(self.random.pick(&fitting)))
    }

    fn tagged(&mut self, facets: &Facets) -> Option<Value> {
        let tags: Vec<String> = facets.languages.iter().map(ToString::to_string).collect();
        let tag =
            tags.get(self.random.below(tags.len())).map_or("de", String::as_str).to_lowercase();
        let fitting: Vec<&str> =
            TEXTS.iter().copied().filter(|text| is_within(facets, text)).collect();
        let text = (!fitting.is_empty()).then(|| self.random.pick(&fitting))?;
        Some(json!({ "@value": text, "@language": tag }))
    }
}

fn reference() -> Value {
    json!({ "@id": "https://x.example/other" })
}

fn local(iri: &str) -> &str {
    iri.rsplit(['#', '/']).next().unwrap_or(iri)
}

/// What JSON of every language can hold of an integer type.
fn whole(datatype: &str) -> Option<(i64, i64)> {
    const MOST: i64 = 9_007_199_254_740_991;
    Some(match datatype {
        "integer" | "Integer" | "long" => (-MOST, MOST),
        "nonNegativeInteger" | "unsignedLong" => (0, MOST),
        "positiveInteger" => (1, MOST),
        "nonPositiveInteger" => (-MOST, 0),
        "negativeInteger" => (-MOST, -1),
        "byte" => (i8::MIN.into(), i8::MAX.into()),
        "short" => (i16::MIN.into(), i16::MAX.into()),
        "int" => (i32::MIN.into(), i32::MAX.into()),
        "unsignedByte" => (0, u8::MAX.into()),
        "unsignedShort" => (0, u16::MAX.into()),
        "unsignedInt" => (0, u32::MAX.into()),
        _ => return None,
    })
}

/// Whether literals of a datatype are single words.
fn is_word(datatype: &str) -> bool {
    [
        "Name", "NCName", "NMTOKEN", "NMTOKENS", "ID", "IDREF", "IDREFS", "ENTITY", "ENTITIES",
        "token",
    ]
    .contains(&datatype)
}

/// Whether limits allow a literal, as far as this can tell; where it can't, they don't.
fn is_within(facets: &Facets, text: &str) -> bool {
    let length = u32::try_from(text.chars().count()).unwrap();
    let number = text.parse::<f64>().ok();
    let against = |bound: &Option<Text>, allowed: fn(f64, f64) -> bool| match bound {
        None => true,
        Some(bound) => match (number, bound.parse::<f64>().ok()) {
            (Some(number), Some(bound)) => allowed(number, bound),
            _ => false,
        },
    };
    against(&facets.min_inclusive, |number, bound| number >= bound)
        && against(&facets.max_inclusive, |number, bound| number <= bound)
        && against(&facets.min_exclusive, |number, bound| number > bound)
        && against(&facets.max_exclusive, |number, bound| number < bound)
        && facets.total_digits.is_none()
        && facets.fraction_digits.is_none()
        && facets.min_length.is_none_or(|min| min <= length)
        && facets.max_length.is_none_or(|max| length <= max)
        && facets.patterns.iter().all(|pattern| {
            let Some(portable) = &pattern.portable else { return false };
            let case = if pattern.flags.contains('i') { "(?i)" } else { "" };
            let anchored =
                if pattern.is_whole { format!("^(?:{portable})$") } else { portable.to_string() };
            Regex::new(&format!("{case}{anchored}")).is_ok_and(|regex| regex.is_match(text))
        })
}
