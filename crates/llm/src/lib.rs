//! Who can write text for us: the client trait, and clients for programs and tests.
