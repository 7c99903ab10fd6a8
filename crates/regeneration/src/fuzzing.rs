//! Entry points for fuzzing: whatever they are given, they must not panic.

/// Reads a template file with its front matter.
pub fn front_matter(text: &str) {
    let _ = crate::template::library::TemplateFile::parse("fuzz.j2", "fuzz.j2", text);
}

/// Reads `evergen.toml`.
pub fn configuration(text: &str) {
    let _ = crate::parse_settings(text, "evergen.toml");
}

/// Reads a state file of any kind.
pub fn state(bytes: &[u8]) {
    crate::state::try_all(&bytes::Bytes::copy_from_slice(bytes));
}
