use crate::sink::{MemorySink, conformance};

#[test]
fn memory_keeps_the_laws() {
    conformance::check(
        || MemorySink::new(1000),
        |sink| sink.records().iter().map(|record| (**record).clone()).collect(),
    );
}
