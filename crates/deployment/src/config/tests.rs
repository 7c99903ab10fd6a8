use super::*;

fn check(text: &str, expected: &str) {
    let error = DeploymentConfig::from_toml(text).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

const STAGING: &str = "[[environments]]\nname = 'staging'\ntarget_dir = '/srv/staging'\n";

#[test]
fn a_whole_file_is_read() {
    let text = r#"
        timeout_seconds = 600
        rollback_strategy = "manual"
        [[environments]]
        name = "staging"
        target_dir = "/srv/staging"
        auto_deploy = true
        traffic_steps = [10, 50, 100]
        dwell_ms = 500
        variables = { COLOUR = "red", PASSWORD = { env = "DB_PASSWORD" } }
        health_checks = [{ name = "up", http = "http://{endpoint}/health", successes = 3 }]
        [[environments]]
        name = "production"
        target_dir = "/srv/production"
        promotes_from = "staging"
        approval = true
        rollback_strategy = { to_version = "1.0.0" }
    "#;
    let config = DeploymentConfig::from_toml(text).unwrap();
    let check = &config.environments[0].health_checks[0];
    assert_eq!((check.successes, check.failures, check.interval_ms), (3, 1, 1000));
    assert_eq!(check.probe["http"].as_str(), Some("http://{endpoint}/health"));
    let again = DeploymentConfig::from_toml(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn an_unknown_field_is_told_with_what_was_meant() {
    check(&format!("{STAGING}traffik_steps = [100]"), "did you mean `traffic_steps`?");
    check("rollback_strategy = 'manuel'", "did you mean `manual`?");
}

#[test]
fn a_value_out_of_its_range_is_told_with_the_range() {
    let staging = |line: &str, expected| check(&format!("{STAGING}{line}"), expected);
    staging("keep = 0", "`staging.keep` is `0`; it may be 1 to 1000");
    staging("traffic_steps = [0, 0]", "`staging.traffic_steps` is `[0, 0]`; rising");
    staging("traffic_steps = []", "of which the last is 100");
    staging("traffic_steps = [10, 50]", "of which the last is 100");
    staging("deadlines = { drain_seconds = 0 }", "`staging.deadlines.drain_seconds` is `0`");
    staging("pre_deploy_commands = [{ name = 'a', command = [] }]", "a program is needed");
    check("[[environments]]\nname = 'a b'\ntarget_dir = 'x'", "1 to 64 letters");
    check(&format!("{STAGING}{STAGING}"), "each name stands once");
}

#[test]
fn a_promotion_comes_from_an_environment_before() {
    let later = "[[environments]]\nname = 'production'\ntarget_dir = '/srv/p'\n";
    check(&format!("{STAGING}{later}promotes_from = 'stagin'"), "did you mean `staging`?");
    check(&format!("{STAGING}promotes_from = 'staging'"), "stands before it");
}
