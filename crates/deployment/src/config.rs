//! Settings, as they stand in a file.

mod environment;
mod parse;

#[cfg(test)]
mod tests;

pub use environment::{
    CheckSetting, CommandSetting, CompareSetting, Deadlines, DeploymentEnvironment, VariableSetting,
};
pub use parse::{ConfigError, DeploymentConfig};
