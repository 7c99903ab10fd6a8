//! Where do requests go, and which processes answer them?
