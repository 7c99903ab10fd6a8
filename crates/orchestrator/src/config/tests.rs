use proptest::prelude::*;

use super::{ConfigError, OrchestratorConfig, RateLimit};

fn check(json: &str, expected: &str) {
    let read = serde_json::from_str::<OrchestratorConfig>(json);
    let found = read.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    assert!(found.starts_with(expected), "{json}: {found}");
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = OrchestratorConfig::default();
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(config.autonomous && config.adaptive_optimization);
    assert_eq!(config.max_concurrent, processors);
    assert_eq!((config.target_cycle_ms, config.health_check_interval_secs), (30_000, 60));
    config.validate().unwrap();
    assert_eq!(serde_json::from_str::<OrchestratorConfig>("{}").unwrap(), config);
}

#[test]
fn absurd_values_are_refused_with_field_value_and_range() {
    check(r#"{"max_concurrent": 0}"#, "`max_concurrent` is 0, but must be between 1 and 4096");
    check(r#"{"max_concurrent": -3}"#, "`max_concurrent` is -3, but must be between 1 and 4096");
    check(
        r#"{"target_cycle_ms": 0}"#,
        "`target_cycle_ms` is 0, but must be between 1 and 86400000",
    );
    check(
        r#"{"queue_capacity": 9000000000}"#,
        "`queue_capacity` is 9000000000, but must be between",
    );
    check(r#"{"health_check_interval_secs": 0}"#, "`health_check_interval_secs` is 0, but");
    check(r#"{"debounce_ms": -1}"#, "`debounce_ms` is -1, but must be between 0 and 60000");
    check(r#"{"max_batch": 0}"#, "`max_batch` is 0");
    check(r#"{"task_timeout_ms": 0}"#, "`task_timeout_ms` is 0");
    check(r#"{"commit_timeout_ms": 0}"#, "`commit_timeout_ms` is 0");
    check(r#"{"deploy_timeout_ms": 0}"#, "`deploy_timeout_ms` is 0");
    check(r#"{"aging_ms": 0}"#, "`aging_ms` is 0");
    check(r#"{"stop_grace_ms": -1}"#, "`stop_grace_ms` is -1");
    check(
        r#"{"retry": {"max_tries": 0}}"#,
        "`retry.max_tries` is 0, but must be between 1 and 100",
    );
    check(
        r#"{"retry": {"base_ms": 500, "max_ms": 10}}"#,
        "`retry.base_ms` is 500, but must not be more than `retry.max_ms`, which is 10",
    );
    check(r#"{"breaker": {"failure_threshold": 0}}"#, "`breaker.failure_threshold` is 0");
    check(r#"{"breaker": {"recovery_ms": 0}}"#, "`breaker.recovery_ms` is 0");
    check(r#"{"rate_limit": {"per_second": 0}}"#, "`rate_limit.per_second` is 0");
    check(r#"{"rate_limit": {"per_second": 5, "burst": 0}}"#, "`rate_limit.burst` is 0");
    check(r#"{"auto_deploy": " "}"#, "`auto_deploy` is \" \", but must have between 1 and 128");
    check(r#"{"max_concurent": 4}"#, "unknown field `max_concurent`");
    check(r#"{"rate_limit": {"per_second": 5}, "auto_deploy": "staging"}"#, "accepted");
}

#[test]
fn a_builder_tells_its_first_error_and_fields_are_held_too() {
    let error = OrchestratorConfig::builder().debounce_ms(-5).max_batch(0).build().unwrap_err();
    assert!(matches!(error, ConfigError::OutOfRange { field: "debounce_ms", value: -5, .. }));
    let error = OrchestratorConfig::builder().max_concurrent(u64::MAX).build().unwrap_err();
    assert!(error.to_string().contains("18446744073709551615"), "{error}");
    let error = OrchestratorConfig::builder().rate_limit(RateLimit::new(0, 1)).build().unwrap_err();
    assert!(error.to_string().contains("rate_limit.per_second"));
    let config = OrchestratorConfig { max_concurrent: 0, ..OrchestratorConfig::default() };
    assert!(config.validate().is_err());
}

proptest! {
    #[test]
    fn what_was_built_comes_back_from_json(
        concurrent in 1_usize..=4096,
        target in 1_u64..=86_400_000,
        tries in 1_u32..=100,
        rate in proptest::option::of((1_u32..=1_000_000, 1_u32..=1_000_000)),
        environment in proptest::option::of("[a-z]{1,20}"),
    ) {
        let mut builder = OrchestratorConfig::builder()
            .max_concurrent(concurrent)
            .target_cycle_ms(target)
            .max_tries(tries)
            .autonomous(false)
            .adaptive_optimization(false);
        if let Some((per_second, burst)) = rate {
            builder = builder.rate_limit(RateLimit::new(per_second, burst));
        }
        if let Some(environment) = environment {
            builder = builder.auto_deploy(environment);
        }
        let config = builder.build().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        prop_assert_eq!(serde_json::from_str::<OrchestratorConfig>(&json).unwrap(), config);
    }
}
