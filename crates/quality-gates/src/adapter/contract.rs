use crate::{Crash, ExitContract, Fault, Reading};

/// Holds what a tool wrote against the code with which it ended. Pure.
///
/// A code that the contract does not know is a breakdown, however many findings were read
/// before it; a code for findings without one, or findings with a code for none, is a tool that
/// contradicts itself.
pub fn judge_exit(
    contract: &ExitContract,
    code: i32,
    said: &str,
    read: Result<Reading, Fault>,
) -> Result<Reading, Fault> {
    let means_clean = contract.clean.contains(&code);
    let means_findings = contract.findings.contains(&code);
    if !means_clean && !means_findings {
        let said = said.to_owned();
        return Err(match read {
            Ok(reading) if reading.findings.is_empty() => Fault::NonZeroNoFindings { code, said },
            _ => Fault::Crash { how: Crash::Exit { code }, said },
        });
    }
    let reading = read.map_err(|fault| with_last_words(fault, said))?;
    if means_findings && !means_clean && reading.findings.is_empty() {
        return Err(Fault::NonZeroNoFindings { code, said: said.to_owned() });
    }
    if means_clean && !means_findings {
        let heavy = reading.findings.iter().filter(|finding| {
            contract.tolerated.is_none_or(|tolerated| finding.severity > tolerated)
        });
        let findings = heavy.count() as u64;
        if findings > 0 {
            return Err(Fault::FindingsWithZeroExit { code, findings });
        }
    }
    Ok(reading)
}

fn with_last_words(fault: Fault, said: &str) -> Fault {
    match fault {
        Fault::Unparsable { what, why } if !said.is_empty() => {
            let said: String = said.chars().take(200).collect();
            Fault::Unparsable { what, why: format!("{why}; it said {said:?}") }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Coverage, Finding, Severity};

    fn check(contract: &ExitContract, code: i32, findings: Vec<Finding>) -> &'static str {
        let reading = Reading::new(findings, Coverage::of_files(1));
        judge_exit(contract, code, "", Ok(reading)).map_or_else(|fault| fault.kind(), |_| "ok")
    }

    #[test]
    fn a_code_and_what_was_found_must_say_the_same() {
        let contract = ExitContract::default();
        let error = || vec![Finding::error("a", "b")];
        assert_eq!(check(&contract, 0, vec![]), "ok");
        assert_eq!(check(&contract, 1, error()), "ok");
        assert_eq!(check(&contract, 0, error()), "findings_with_zero_exit");
        assert_eq!(check(&contract, 1, vec![]), "non_zero_no_findings");
        assert_eq!(check(&contract, 2, vec![]), "non_zero_no_findings");
        assert_eq!(check(&contract, 101, error()), "crash", "a finding hides no crash");
    }

    #[test]
    fn warnings_may_come_with_a_clean_code_where_that_is_agreed() {
        let contract = ExitContract::default().tolerating(Severity::Warning);
        assert_eq!(check(&contract, 0, vec![Finding::warning("a", "b")]), "ok");
        assert_eq!(check(&contract, 0, vec![Finding::error("a", "b")]), "findings_with_zero_exit");
    }

    #[test]
    fn what_cannot_be_read_is_no_pass_whatever_the_code() {
        for code in [0, 1, 7] {
            let read = Err(Fault::unparsable("its output", "no JSON"));
            let fault = judge_exit(&ExitContract::default(), code, "Traceback", read).unwrap_err();
            assert!(["unparsable", "crash"].contains(&fault.kind()), "{fault}");
            assert!(fault.to_string().contains("Traceback"), "{fault}");
        }
    }
}
