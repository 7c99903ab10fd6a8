//! Traffic by the weights of an `HTTPRoute`.

mod settings;

mod rules;

mod conditions;

mod router;

#[cfg(test)]
mod tests;

pub use router::HttpRouteTraffic;
pub use settings::HttpRouteSettings;
