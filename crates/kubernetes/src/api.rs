//! Talking to the API server.

mod kind;

mod error;

mod settings;

mod connect;

mod cluster;

mod objects;

pub use cluster::Cluster;
pub(crate) use cluster::words;
pub use error::ClusterError;
pub(crate) use kind::Kind;
pub(crate) use objects::{
    Bare, Condition, ContainerStatus, Deployment, Meta, Pod, Selector, Service,
};
pub use settings::ClusterSettings;
pub(crate) use settings::is_label;
