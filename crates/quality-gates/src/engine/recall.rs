//! What was answered before: keys, and answers put together from old and new ones.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use evergen_artifact::Digest;

use super::select::Selection;
use crate::cache::Kept;
use crate::fingerprint::arrange;
use crate::{
    Coverage, Finding, Findings, GateInfo, Identity, Needs, Outcome, SubjectError, SubjectFile,
    VerdictCache,
};

/// Where one gate's answers on one selection are kept.
pub(super) struct Recall {
    cache: Arc<VerdictCache>,
    gate: Digest,
    whole: Digest,
    base: Digest,
    /// Whether files are judged by themselves.
    is_single: bool,
    identity: Identity,
}

/// What is known already.
pub(super) enum Known {
    /// The whole answer.
    All(Outcome),
    /// These files' answers, and nothing of the others.
    Some(Hits),
}

/// Old answers on single files.
#[derive(Default)]
pub(super) struct Hits {
    coverage: Coverage,
    findings: Vec<Finding>,
    /// The files of which nothing is known.
    pub(super) missing: Vec<SubjectFile>,
}

impl Recall {
    /// Reads files to know their digests, so it blocks.
    pub(super) fn of(
        cache: Arc<VerdictCache>,
        info: &GateInfo,
        identity: Identity,
        selection: &Selection,
        place: &str,
    ) -> Result<Self, SubjectError> {
        let gate = gate_key(info, &identity);
        let context = digest_of(Digest::of(b"context"), &selection.context)?;
        // Fingerprints are kept with the answers, and differ from place to place.
        let base = joined(&[gate, context, Digest::of(place.as_bytes())]);
        let whole = digest_of(joined(&[base, Digest::of(b"whole")]), &selection.files)?;
        let is_single = info.needs == Needs::Changed;
        Ok(Self { cache, gate, whole, base, is_single, identity })
    }

    /// A key for each file; none where files are not judged by themselves. Only where the whole
    /// answer is not known does anybody need them.
    fn single(&self, files: &[SubjectFile]) -> Vec<Digest> {
        let files = files.iter().filter(|_| self.is_single);
        let keys = files.map(|file| digest_of(self.base, std::slice::from_ref(file)));
        // All digests are known since `of` asked for them.
        keys.collect::<Result<_, _>>().unwrap_or_default()
    }

    /// Looks up. Blocks.
    pub(super) fn look_up(&self, files: &[SubjectFile]) -> Known {
        if let Some(Some(Kept::Outcome(outcome))) = self.cache.get(self.gate, &[self.whole]).pop() {
            return Known::All(*outcome);
        }
        let mut hits = Hits::default();
        let single = self.single(files);
        if single.is_empty() {
            hits.missing = files.to_vec();
            return Known::Some(hits);
        }
        let mut looked = 0;
        for (file, kept) in files.iter().zip(self.cache.get(self.gate, &single)) {
            match kept {
                Some(Kept::File { lines, by }) => {
                    hits.add(Coverage::of_files(1).with_lines(lines), Vec::new());
                    looked |= by;
                }
                Some(Kept::Outcome(outcome)) => {
                    let coverage = outcome.coverage().cloned().unwrap_or_default();
                    hits.add(coverage, outcome.findings().to_vec());
                }
                None => hits.missing.push(file.clone()),
            }
        }
        let lookers = self.identity.lookers.iter().enumerate();
        let lookers = lookers.filter(|(number, _)| looked & bit(*number) != 0);
        let lookers = lookers.map(|(_, looker)| looker.clone());
        hits.coverage = lookers.fold(std::mem::take(&mut hits.coverage), Coverage::by);
        Known::Some(hits)
    }

    /// Who looked for an answer, as bits by the order of the gate's lookers.
    fn bits(&self, answer: &Outcome) -> u64 {
        let by = answer.coverage().map_or(&[][..], |coverage| &coverage.by);
        let lookers = self.identity.lookers.iter().enumerate();
        let looked = lookers.filter(|(_, looker)| by.contains(looker));
        looked.fold(0, |bits, (number, _)| bits | bit(number))
    }

    /// Keeps a whole answer, and the answers on the files that were asked about. Blocks.
    pub(super) fn keep(
        &self,
        files: &[SubjectFile],
        asked: &[SubjectFile],
        answer: &Outcome,
        whole: &Outcome,
    ) {
        let mut entries = Vec::new();
        if matches!(whole, Outcome::Pass(_) | Outcome::Fail(_)) {
            entries.push((self.whole, Kept::Outcome(Box::new(whole.clone()))));
        }
        let single = self.single(files);
        let shares =
            if single.is_empty() { None } else { shares(asked, answer, self.bits(answer)) };
        if let Some(shares) = shares {
            let of_file = files.iter().zip(&single);
            let shares =
                of_file.filter_map(|(file, key)| Some((*key, shares.get(file.path())?.clone())));
            entries.extend(shares);
        }
        if !entries.is_empty() {
            self.cache.put(self.gate, &entries);
        }
    }
}

impl Hits {
    /// Nothing is known of these files.
    pub(super) fn none(missing: Vec<SubjectFile>) -> Self {
        Self { missing, ..Self::default() }
    }

    fn add(&mut self, coverage: Coverage, findings: Vec<Finding>) {
        self.coverage = std::mem::take(&mut self.coverage).and(coverage);
        self.findings.extend(findings);
    }

    /// The answer on all files, of those known and the new one on the others. What can't be known
    /// of a part can't be known of the whole.
    pub(super) fn and(self, answer: Option<Outcome>) -> Outcome {
        let (mut findings, coverage) = match answer {
            None => (Vec::new(), Coverage::default()),
            Some(Outcome::Pass(coverage)) => (Vec::new(), coverage),
            Some(Outcome::Fail(found)) => (found.findings, found.coverage),
            Some(Outcome::NotApplicable) if self.coverage.files > 0 => {
                (Vec::new(), Coverage::default())
            }
            Some(other) => return other,
        };
        findings.extend(self.findings);
        arrange(&mut findings);
        Outcome::of(findings, coverage.and(self.coverage))
    }
}

/// What an answer says of each single file; nothing where it can't be told apart.
fn shares(asked: &[SubjectFile], answer: &Outcome, by: u64) -> Option<BTreeMap<String, Kept>> {
    let coverage = answer.coverage()?;
    let is_plain = coverage.tests == 0 && coverage.measures.is_empty();
    if !is_plain || coverage.files < asked.len() as u64 {
        return None;
    }
    let paths: HashSet<&str> = asked.iter().map(SubjectFile::path).collect();
    let mut found: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
    for finding in answer.findings() {
        let file = finding.file.as_deref().filter(|file| paths.contains(file))?;
        found.entry(file).or_default().push(finding.clone());
    }
    let share = |file: &SubjectFile| {
        let lines = if coverage.lines == 0 { 0 } else { lines(file)? };
        let kept = match found.remove(file.path()) {
            None => Kept::File { lines, by },
            Some(findings) => {
                let one = Coverage::of_files(1).with_lines(lines);
                let coverage = coverage.by.iter().cloned().fold(one, Coverage::by);
                Kept::Outcome(Box::new(Outcome::Fail(Findings::new(findings, coverage))))
            }
        };
        Some((file.path().to_owned(), kept))
    };
    asked.iter().map(share).collect()
}

/// The bit of a looker; those beyond the last one share it.
fn bit(number: usize) -> u64 {
    1 << number.min(63)
}

fn lines(file: &SubjectFile) -> Option<u64> {
    let bytes = file.bytes().ok()?;
    Some(bytes.split_inclusive(|byte| *byte == b'\n').count() as u64)
}

fn gate_key(info: &GateInfo, identity: &Identity) -> Digest {
    let text = format!(
        "evergen gate 1\0{}\0{:?}\0{:?}\0{}\0{:?}",
        info.name,
        info.kind,
        info.needs,
        info.scope.signature(),
        identity.lookers
    );
    joined(&[Digest::of(text.as_bytes()), info.settings, identity.digest])
}

fn joined(digests: &[Digest]) -> Digest {
    let bytes: Vec<u8> = digests.iter().flat_map(|digest| *digest.as_bytes()).collect();
    Digest::of(&bytes)
}

fn digest_of(base: Digest, files: &[SubjectFile]) -> Result<Digest, SubjectError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(base.as_bytes());
    for file in files {
        // No path holds a zero, and digests have one length: no two lists look the same.
        hasher.update(file.path().as_bytes()).update(&[0]);
        hasher.update(file.digest()?.as_bytes());
    }
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}
