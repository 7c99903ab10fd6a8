use crate::{MemoryStore, conformance};

#[test]
fn the_laws_of_the_port_hold() {
    conformance::check(&mut || Box::new(MemoryStore::new()));
}
