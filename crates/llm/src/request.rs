use serde::{Deserialize, Serialize};

use crate::LlmError;

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Whoever set the conversation up.
    System,
    /// Who asks.
    User,
    /// Who answers.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

impl Message {
    /// A message.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

/// How to answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Parameters {
    /// The model; empty for the client's own choice.
    pub model: String,
    /// How many tokens the answer may have, from 1 on.
    pub max_tokens: Option<u32>,
    /// How freely to choose among likely words, 0 to 2.
    pub temperature: Option<f64>,
    /// From how much of the likely words to choose, above 0 and up to 1.
    pub top_p: Option<f64>,
    /// Texts at which the answer ends, before them. None of them is empty.
    pub stop: Vec<String>,
    /// Makes the choice repeatable where the provider can.
    pub seed: Option<u64>,
}

/// A question: a conversation so far, and how to go on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// What was said so far, oldest first. There is at least one message.
    pub messages: Vec<Message>,
    /// How to answer.
    #[serde(default)]
    pub parameters: Parameters,
}

impl CompletionRequest {
    /// A conversation to go on with.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, parameters: Parameters::default() }
    }

    /// A single question.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(vec![Message::new(Role::User, text)])
    }

    /// Puts a message of the system before the others.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.messages.insert(0, Message::new(Role::System, text));
        self
    }

    /// Changes the model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.parameters.model = model.into();
        self
    }

    /// Changes how many tokens the answer may have.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.parameters.max_tokens = Some(max_tokens);
        self
    }

    /// Changes how freely words are chosen.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.parameters.temperature = Some(temperature);
        self
    }

    /// Adds a text at which the answer ends.
    #[must_use]
    pub fn with_stop(mut self, stop: impl Into<String>) -> Self {
        self.parameters.stop.push(stop.into());
        self
    }

    /// Refuses what no client can answer. Every client does so before anything else.
    pub fn validate(&self) -> Result<(), LlmError> {
        let Parameters { max_tokens, temperature, top_p, stop, .. } = &self.parameters;
        require(!self.messages.is_empty(), "messages", "there is none; at least one is needed")?;
        let told = format!("{max_tokens:?}; allowed is 1 and more");
        require(*max_tokens != Some(0), "max-tokens", &told)?;
        let told = format!("{temperature:?}; allowed is 0 to 2");
        let good = temperature.is_none_or(|value| (0.0..=2.0).contains(&value));
        require(good, "temperature", &told)?;
        let told = format!("{top_p:?}; allowed is above 0 and up to 1");
        require(top_p.is_none_or(|value| value > 0.0 && value <= 1.0), "top-p", &told)?;
        require(!stop.iter().any(String::is_empty), "stop", "an empty text; it would end all")
    }
}

fn require(good: bool, field: &'static str, reason: &str) -> Result<(), LlmError> {
    if good { Ok(()) } else { Err(LlmError::InvalidRequest { field, reason: reason.to_owned() }) }
}

/// How many tokens a text has about: one for four characters. For clients without a
/// tokenizer; a real one differs by a third and more.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    text.chars().count().div_ceil(4) as u64
}
