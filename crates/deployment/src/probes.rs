//! Questions to a release about how it does.

mod command;
mod http;
mod metric;
mod patience;
mod settings;
mod tcp;

#[cfg(test)]
mod tests;

pub use command::CommandProbe;
pub use http::HttpProbe;
pub use metric::MetricProbe;
pub use patience::{Patience, Streak, wait_for_health};
pub use settings::{
    Comparator, HttpProbeSettings, MetricProbeSettings, ProbeSettings, StatusRange,
    TcpProbeSettings,
};
pub use tcp::TcpProbe;
