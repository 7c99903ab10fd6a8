//! The project in `examples/shop`, read as its users read it.

use crate::support::Generated;

fn shop() -> Generated {
    Generated::with_templates(
        "shop.ttl",
        include_str!("../../../../examples/shop/model/shop.ttl"),
        &[
            ("_words.j2", include_str!("../../../../examples/shop/templates/_words.j2")),
            ("index.md.j2", include_str!("../../../../examples/shop/templates/index.md.j2")),
            ("page.md.j2", include_str!("../../../../examples/shop/templates/page.md.j2")),
        ],
    )
}

#[test]
fn the_example_in_rust() {
    insta::assert_snapshot!(shop().show("rust"));
}

#[test]
fn the_example_in_typescript() {
    insta::assert_snapshot!(shop().show("typescript"));
}

#[test]
fn the_example_in_python() {
    insta::assert_snapshot!(shop().show("python"));
}

#[test]
fn the_example_s_own_pages() {
    insta::assert_snapshot!(shop().show("docs"));
}
