use std::path::Path;

use super::{Format, TABLE};

#[test]
fn the_table_has_the_order_of_the_variants() {
    for (index, facts) in TABLE.iter().enumerate() {
        assert_eq!(facts.format as usize, index);
    }
}

#[test]
fn every_extension_and_media_type_leads_to_its_format() {
    for format in Format::all() {
        for extension in format.extensions() {
            let path = format!("a.b/Model.{}", extension.to_uppercase());
            assert_eq!(Format::from_extension(Path::new(&path)), Some(format));
        }
        let media_type = format!("{}; charset=utf-8", format.media_type().to_uppercase());
        assert_eq!(Format::from_media_type(&media_type), Some(format));
    }
}

#[test]
fn other_files_have_no_format() {
    for path in ["", "ttl", ".ttl", "a.json", "a.xml", "a.ttl.bak"] {
        assert_eq!(Format::from_extension(Path::new(path)), None, "{path}");
    }
    assert_eq!(Format::from_media_type("text/plain"), None);
}
