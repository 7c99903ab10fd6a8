use super::{Excerpt, shown, span_of};

/// Marks the place of an excerpt with brackets.
fn check(source: &str, place: &str, expected: &str) {
    let at = source.find(place).unwrap();
    let excerpt = Excerpt::of(source, (at, place.len()));
    let (start, length) = excerpt.span;
    let marked = format!(
        "{}: {}[{}]{}",
        excerpt.first_line + 1,
        &excerpt.text[..start],
        &excerpt.text[start..start + length],
        &excerpt.text[start + length..]
    );
    assert_eq!(marked, expected);
}

#[test]
fn the_lines_around_are_shown() {
    check("one\ntwo three\nfour\nfive", "three", "1: one\ntwo [three]\nfour");
    check("a\nb\nc\n", "c", "2: b\n[c]");
    check("a", "a", "1: [a]");
}

#[test]
fn a_place_ends_with_its_line() {
    check("a\nb\nc", "b\nc", "1: a\n[b]\nc");
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let source = format!("{}PLACE{}", "x".repeat(100_000), "y".repeat(100_000));
    let excerpt = Excerpt::of(&source, (100_000, 5));
    assert_eq!(excerpt.column, 100_000);
    assert_eq!(excerpt.text.chars().count(), 122);
    let (start, length) = excerpt.span;
    assert_eq!(&excerpt.text[start..start + length], "PLACE");
}

#[test]
fn a_span_beyond_the_text_is_moved_into_it() {
    let excerpt = Excerpt::of("é", (1, 90));
    assert_eq!((excerpt.text.as_str(), excerpt.span), ("é", (0, 2)));
    let behind = Excerpt::of("ab\ncd", (5, 0));
    assert_eq!((behind.text.as_str(), behind.span), ("ab\ncd ", (5, 1)));
}

#[test]
fn nothing_reaches_the_terminal_as_a_command() {
    assert_eq!(shown("a\u{1b}[31m\u{202e}b\t\u{7}"), "a\u{fffd}[31m\u{fffd}b \u{fffd}");
}

#[test]
fn line_and_column_give_a_place() {
    assert_eq!(span_of("ab\ncé\n", 2, 2), (4, 2));
    assert_eq!(span_of("ab", 1, 9), (2, 0));
    assert_eq!(span_of("ab", 5, 1), (2, 0));
}
