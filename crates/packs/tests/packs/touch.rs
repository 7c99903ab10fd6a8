//! A change makes again what shows it, and no more.

use evergen_regeneration::ArtifactCounts;

use crate::support::Generated;

const SHOP: &str = include_str!("../../../../examples/shop/model/shop.ttl");

/// Changes the example, and gives how many artifacts were evaluated, rendered and written.
fn check(from: &str, to: &str, expected: (u64, u64, u64)) {
    assert_eq!(SHOP.matches(from).count(), 1, "{from}");
    let shop = Generated::new("shop.ttl", SHOP);
    shop.write("shop.ttl", &SHOP.replace(from, to));
    let ArtifactCounts { evaluated, rendered, written, .. } = shop.run().artifacts;
    assert_eq!((evaluated, rendered, written), expected);
}

#[test]
fn a_comment_touches_the_class_that_shows_it() {
    check("An amount in one currency.", "How much money.", (3, 3, 3));
}

#[test]
fn a_property_s_comment_touches_the_class_that_shows_it() {
    check("How far the order has come.", "The order's state.", (3, 3, 3));
}

#[test]
fn a_comment_in_another_language_changes_no_file() {
    check("Ein Betrag in einer Währung.", "Ein Betrag.", (3, 3, 0));
}

#[test]
fn a_label_that_is_not_shown_changes_no_file() {
    check("\"Geldbetrag\"@de", "\"Geld\"@de", (3, 3, 0));
}

#[test]
fn a_property_s_type_touches_its_class() {
    check(
        "rdfs:domain :Product ;\n    rdfs:range xsd:nonNegativeInteger",
        "rdfs:domain :Product ;\n    rdfs:range xsd:decimal",
        // The class, and the context of JSON-LD.
        (6, 6, 6),
    );
}
