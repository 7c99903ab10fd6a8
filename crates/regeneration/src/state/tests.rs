use bytes::Bytes;
use evergen_delta::{EncodedQuad, Term, TermId};
use evergen_knowledge::SourceIncrement;
use proptest::prelude::*;
use uuid::Uuid;

use super::segment::{self, Unusable};
use super::{FORMAT, Meta, Step, decode_meta, encode_single};
use crate::records::{Cause, Made, NEVER, Record, Row};

fn sections() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)
}

fn encode(sections: &[Vec<u8>]) -> Vec<u8> {
    let sections: Vec<Bytes> = sections.iter().cloned().map(Bytes::from).collect();
    segment::encode(sections).pieces().concat()
}

proptest! {
    #[test]
    fn sections_come_back_as_they_went_in(sections in sections()) {
        let decoded = segment::decode(&encode(&sections).into()).unwrap();
        prop_assert_eq!(decoded, sections);
    }

    #[test]
    fn every_flipped_bit_of_a_section_is_noticed(
        sections in sections(), position in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut bytes = encode(&sections);
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        // A bit of the padding between sections says nothing.
        if let Ok(decoded) = segment::decode(&bytes.into()) {
            prop_assert_eq!(decoded, sections);
        }
    }

    #[test]
    fn a_cut_file_is_noticed(sections in sections(), length in any::<prop::sample::Index>()) {
        let bytes = encode(&sections);
        let cut = bytes[..length.index(bytes.len())].to_vec();
        if let Ok(decoded) = segment::decode(&cut.into()) {
            prop_assert_eq!(decoded, sections);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = segment::decode(&bytes.clone().into());
        let _ = decode_meta(&bytes);
        let _ = postcard::from_bytes::<Step>(&bytes);
    }
}

#[test]
fn a_step_comes_back_as_it_went_in() {
    let id = Term::tagged("a", "en").id();
    let record = Record {
        generator: 3,
        row: Row([None, Some(evergen_knowledge::Value::stored(id))].into()),
        path: evergen_artifact::ArtifactPath::parse("a/b.rs").ok(),
        inputs: u128::MAX,
        digest: NEVER,
        written: NEVER,
        size: 7,
        stamp: bytemuck::Zeroable::zeroed(),
        observed_ns: -1,
        made: Made { cycle_id: Uuid::nil(), at_ms: 5, cause: Cause::Model(vec!["+ x".into()], 2) },
    };
    let step = Step {
        increments: vec![SourceIncrement {
            name: "model.ttl".into(),
            inserted: vec![EncodedQuad::new(id, id, id, TermId::DEFAULT_GRAPH)],
            terms: vec![
                Term::tagged("a", "en"),
                Term::literal("b"),
                Term::iri("http://example.org/"),
            ],
            ..SourceIncrement::default()
        }],
        records: vec![(4, Some(record)), (5, None)],
        reads: vec![(8, Some(vec![evergen_delta::Fingerprint::from_raw(1)])), (9, None)],
        list_reads: Vec::new(),
        facts: vec![(evergen_delta::Fingerprint::from_raw(2), None)],
    };
    let bytes = segment::decode(&encode_single(&step).unwrap().into()).unwrap();
    assert_eq!(postcard::from_bytes::<Step>(&bytes[0]).unwrap(), step);
}

#[test]
fn another_format_is_not_read() {
    let meta = Meta { format: FORMAT + 1, ..Meta::default() };
    let bytes = segment::decode(&encode_single(&meta).unwrap().into()).unwrap();
    assert_eq!(decode_meta(&bytes[0]), Err(Unusable::Damaged));
}
