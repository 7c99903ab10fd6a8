use proptest::prelude::*;

use crate::redaction::{Pattern, PatternError, Redaction};

fn check(text: &str, expected: &str) {
    assert_eq!(Redaction::default().text(text), expected);
}

fn stays(text: &str) {
    check(text, text);
}

#[test]
fn values_of_secret_names() {
    check("password=hunter2", "password=[redacted]");
    check("Password: hunter2, user: x", "Password: [redacted], user: x");
    check(
        r#"{"api_key": "abc", "name": "order"}"#,
        r#"{"api_key": "[redacted]", "name": "order"}"#,
    );
    check(r#"{"token":"a \" b","x":1}"#, r#"{"token":"[redacted]","x":1}"#);
    check("DB_PASSWORD='a b c' PORT=5", "DB_PASSWORD='[redacted]' PORT=5");
    check("https://x.org/?token=abc&page=2", "https://x.org/?token=[redacted]&page=2");
    check("client-secret => s3", "client-secret => [redacted]");
    check("SECRET:=x", "SECRET:=[redacted]");
    check("x-session_id: 99", "x-session_id: [redacted]");
}

#[test]
fn credentials_behind_their_scheme() {
    check("Authorization: Bearer abc.def-ghi", "Authorization: [redacted]");
    check("authorization=Basic dXNlcjpwYXNz", "authorization=[redacted]");
    check("sent Bearer eyJhbGciOi as usual", "sent Bearer [redacted] as usual");
    stays("bearer of bad news");
    stays("Basic templates are enough");
}

#[test]
fn user_information_in_urls() {
    check("postgres://user:pw@db:5432/x", "postgres://[redacted]@db:5432/x");
    check(
        "clone https://ghp@github.com/a/b failed",
        "clone https://[redacted]@github.com/a/b failed",
    );
    stays("see https://example.org/@name and http://host:80/");
}

#[test]
fn addresses() {
    check("mail ann.b+c@mail.example.org now", "mail [redacted] now");
    check("<jörg@bücher.example>", "<[redacted]>");
    stays("a@b, @Override and user@host");
}

#[test]
fn long_words_that_look_like_chance() {
    check("key AKIAIOSFODNN7EXAMPLE0042 used", "key [redacted] used");
    check("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[redacted]");
    check(
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "[redacted]",
    );
}

#[test]
fn what_is_harmless_stays() {
    stays("cycle 0198c2f4-7d1b-7c3e-8a52-0123456789ab took 12.5 ms");
    stays("digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    stays("templates/customer_order_line_item_v2.rs.j2:12:5: undefined value");
    stays("tokens_in=512 tokens_out=12 max_tokens: 9");
    stays("2026-11-27-release-notes-of-version-12");
    stays("http://www.w3.org/2002/07/owl#InverseFunctionalProperty");
    stays("evergen_regeneration::engine::pipeline::commit_everything");
    stays("2026-11-27T17:02:59.123456789Z");
    stays("");
}

#[test]
fn what_is_hidden_already_stays_as_it_is() {
    stays("password=[redacted] of [redacted] at https://[redacted]@x.org/");
    stays("password=\"[redacted]\"");
}

#[test]
fn names_and_patterns_of_ones_own() {
    let own = Redaction::default()
        .with_name("Account-No")
        .with_pattern(Pattern::parse("CUST-######").unwrap())
        .with_pattern(Pattern::parse("sk_live_?*").unwrap());
    assert_eq!(
        own.text("account_no=12 for CUST-123456, not CUST-12"),
        "account_no=[redacted] for [redacted], not CUST-12"
    );
    assert_eq!(own.text("key sk_live_a-b_c."), "key [redacted].");
    assert_eq!(own.value("accountNo", "12"), "[redacted]");
    let only = Redaction::none().with_pattern(Pattern::parse(r"\#@@").unwrap());
    assert_eq!(only.text("password=x #ab #1"), "password=x [redacted] #1");
    assert_eq!(Pattern::parse("**"), Err(PatternError::MatchesNothing));
    assert_eq!(Pattern::parse(""), Err(PatternError::MatchesNothing));
    assert_eq!(Pattern::parse("a\\"), Err(PatternError::OpenEscape));
}

#[test]
fn a_named_attribute_is_judged_by_its_name() {
    let redaction = Redaction::default();
    assert_eq!(redaction.value("refresh_token", "abc"), "[redacted]");
    assert_eq!(redaction.value("release", "mail a@b.example"), "mail [redacted]");
    assert_eq!(redaction.value("tokens_in", "512"), "512");
}

proptest! {
    /// Whatever stands around it, a secret behind its name does not get through.
    #[test]
    fn a_secret_never_gets_through(before in "[ -~äß€\n]{0,40}", secret in "zQ[a-z0-9]{12}Zq", after in "[ ,;&\n][ -~äß€\n]{0,40}") {
        let text = format!("{before} password={secret}{after}");
        let redaction = Redaction::default();
        let once = redaction.text(&text);
        prop_assert!(!once.contains(&secret), "{}", text);
    }

    #[test]
    fn any_text_can_be_redacted_twice(text: String) {
        let redaction = Redaction::default();
        let once = redaction.text(&text).into_owned();
        // What was put in is nothing that has to be hidden.
        let _ = redaction.text(&once);
        prop_assert!(once.len() <= text.len() * 6 + 16);
    }
}
