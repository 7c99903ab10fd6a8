use super::*;

fn journal() -> Journal {
    let path = |text| ArtifactPath::parse(text).unwrap();
    Journal {
        output: OutputRoot { path: "build/gen\n ä".into(), missing: 2, own_stage: true },
        project_stage: false,
        steps: vec![
            Step::Remove { root: Root::Output, path: path("a b/c d") },
            Step::RemoveFolder { path: path("a b") },
            Step::MoveFile { root: Root::State, staged: 7, size: 12, path: path("segment 1") },
            Step::MoveFile { root: Root::Project, staged: 8, size: 0, path: path("evergen.lock") },
            Step::MoveFolder { staged: 9, path: path("x/y z") },
            Step::MoveRoot { staged: 10 },
        ],
    }
}

#[test]
fn a_journal_survives_its_text() {
    assert_eq!(Journal::parse(&journal().to_text()), Some(journal()));
}

#[test]
fn a_journal_with_any_byte_changed_or_cut_is_none() {
    let text = journal().to_text();
    for at in 0..text.len() {
        assert_eq!(Journal::parse(&text[..at]), None, "cut at {at}");
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(Journal::parse(&changed), None, "changed at {at}");
    }
    assert_eq!(Journal::parse(&format!("{text}x")), None);
}

#[test]
fn a_path_that_leads_out_is_not_read() {
    let text = journal().to_text().replace("x/y z", "../y");
    let body = &text[..text.rfind("end ").unwrap()];
    let text = format!("{body}end {}\n", Digest::of(body.as_bytes()));
    assert_eq!(Journal::parse(&text), None);
}
