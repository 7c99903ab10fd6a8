//! Reads instances by the names of their classes, and writes them again.

use std::io::BufRead as _;

use serde_json::{Value, json};

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("input is text");
        println!("{}", answer(&line));
    }
}

fn answer(line: &str) -> Value {
    let input: Value = match serde_json::from_str(line) {
        Ok(input) => input,
        Err(error) => return json!({"error": {"path": "", "message": error.to_string()}}),
    };
    let name = input["class"].as_str().unwrap_or_default();
    let Some(class) = model::class(name) else {
        return json!({"error": {"path": "", "message": format!("no class `{name}`")}});
    };
    match class.read(&input["instance"]) {
        Ok(instance) => json!({ "ok": instance.to_json() }),
        Err(error) => json!({"error": {"path": error.path(), "message": error.to_string()}}),
    }
}
