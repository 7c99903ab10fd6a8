//! How a release comes into use, and back.
