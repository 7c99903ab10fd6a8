//! One server and what is said to it and by it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::frames::{Frames, framed};
use super::protocol::{Diagnostic, Heard, Published, Refusal, path_at};
use crate::process::{Request, Running, last_words};
use crate::{Fault, Limits};

/// The most that may wait to be read by the server, in bytes.
pub(super) const MOST_WAITING: usize = 64 << 20;

/// How often the memory is looked at while nothing is heard.
const TICK: Duration = Duration::from_millis(50);

/// How much of what it says for people is kept, in bytes.
const KEPT: usize = 4096;

/// How long it may take to say that it is ready to end.
const FAREWELL: Duration = Duration::from_millis(300);

/// A server that runs. It is read and written to only while somebody waits for it, so that no
/// task is needed: between questions it may fill its pipes and wait.
///
/// After an error the connection is of no more use, and neither after a wait that was given up
/// half-way: nobody knows what the server heard.
#[derive(Debug)]
pub(super) struct Connection {
    process: Running,
    limits: Limits,
    frames: Frames,
    waiting: Vec<u8>,
    written: usize,
    /// The questions that were asked, with the answers that came.
    asked: BTreeMap<u64, Option<Result<Value, Refusal>>>,
    last: u64,
    /// The versions of which diagnostics are waited for, by path, with those that came.
    wanted: BTreeMap<String, (i64, Option<Vec<Diagnostic>>)>,
    settings: Value,
    /// Whether the server registered that it gives diagnostics when it is asked.
    registered: bool,
    said: Vec<u8>,
    /// How much was read since the last question.
    read: u64,
    chunk: Box<[u8]>,
    murmur: Box<[u8]>,
    murmurs: bool,
}

/// Until when an answer must be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn within(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }
}

/// What happened while we waited.
enum Event {
    Heard(usize),
    Murmured(usize),
    Wrote(usize),
    Broke(std::io::Error),
    Nothing,
    Late,
}

impl Connection {
    /// Starts a server. `settings` is what it gets when it asks for a section of the settings.
    pub(super) fn open(request: Request, settings: Value) -> Result<Self, Fault> {
        let limits = request.limits;
        let process = Running::start(request)?;
        Ok(Self {
            process,
            limits,
            frames: Frames::default(),
            waiting: Vec::new(),
            written: 0,
            asked: BTreeMap::new(),
            last: 0,
            wanted: BTreeMap::new(),
            settings,
            registered: false,
            said: Vec::new(),
            read: 0,
            chunk: vec![0; 64 << 10].into(),
            murmur: vec![0; KEPT].into(),
            murmurs: true,
        })
    }

    /// Whether the server has not ended.
    pub(super) fn is_living(&mut self) -> bool {
        self.process.is_living()
    }

    /// Tells the server something, when it is next waited for.
    pub(super) fn tell(&mut self, method: &str, params: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks the server something; [`answers`](Self::answers) waits for it.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.last += 1;
        let id = self.last;
        self.asked.insert(id, None);
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Notes that diagnostics are waited for, of exactly this version of a file.
    pub(super) fn want(&mut self, path: String, version: i64) {
        self.wanted.insert(path, (version, None));
    }

    /// Waits for the answers to all questions, in the order in which they were asked.
    pub(super) async fn answers(
        &mut self,
        deadline: Deadline,
    ) -> Result<Vec<Result<Value, Refusal>>, Fault> {
        self.until(deadline, |this| this.asked.values().all(Option::is_some)).await?;
        Ok(std::mem::take(&mut self.asked).into_values().flatten().collect())
    }

    /// Waits for the diagnostics that are wanted, by path.
    pub(super) async fn published(
        &mut self,
        deadline: Deadline,
    ) -> Result<BTreeMap<String, Vec<Diagnostic>>, Fault> {
        self.until(deadline, |this| this.wanted.values().all(|(_, found)| found.is_some())).await?;
        let wanted = std::mem::take(&mut self.wanted).into_iter();
        Ok(wanted.filter_map(|(path, (_, found))| Some((path, found?))).collect())
    }

    /// Waits until the server has registered that it gives diagnostics when it is asked.
    pub(super) async fn registration(&mut self, deadline: Deadline) -> Result<(), Fault> {
        self.until(deadline, |this| this.registered).await
    }

    /// Says goodbye as the protocol wants it, and sees that nothing is left.
    pub(super) async fn close(mut self) {
        let deadline = Deadline::within(FAREWELL);
        self.asked.clear();
        self.wanted.clear();
        self.ask("shutdown", &Value::Null);
        let is_ready = self.answers(deadline).await.is_ok();
        self.tell("exit", &Value::Null);
        let told = |this: &Self| this.written == this.waiting.len();
        if is_ready && self.until(deadline, told).await.is_ok() {
            self.process.end_in_peace().await;
        } else {
            self.process.end().await;
        }
    }

    /// Ends the server without a word.
    pub(super) async fn end(self) {
        self.process.end().await;
    }

    fn say(&mut self, message: &Value) {
        if self.written == self.waiting.len() {
            self.waiting.clear();
            self.written = 0;
        }
        self.waiting.extend(framed(message.to_string().as_bytes()));
    }

    /// Reads and writes until it is enough.
    async fn until(
        &mut self,
        deadline: Deadline,
        is_enough: impl Fn(&Self) -> bool,
    ) -> Result<(), Fault> {
        self.read = 0;
        loop {
            while let Some(body) = self.frames.next()? {
                let heard = serde_json::from_slice(body)
                    .map_err(|error| Fault::unparsable("a message of the server", error))?;
                self.hear(heard)?;
            }
            if is_enough(self) {
                return Ok(());
            }
            match self.event(deadline).await {
                Event::Heard(0) => return Err(self.death().await),
                Event::Heard(count) => {
                    self.frames.push(&self.chunk[..count]);
                    self.count("standard output", count)?;
                }
                Event::Murmured(0) => self.murmurs = false,
                Event::Murmured(count) => {
                    self.murmured(count);
                    self.count("standard error", count)?;
                }
                Event::Wrote(count) => self.written += count,
                Event::Nothing => {}
                Event::Broke(error) if error.kind() == ErrorKind::BrokenPipe => {
                    return Err(self.death().await);
                }
                Event::Broke(error) => {
                    let why = format!("talking to the server failed: {error}");
                    return Err(Fault::infra(why, "Try again."));
                }
                Event::Late => {
                    let limit = deadline.limit.as_millis();
                    let limit_ms = u64::try_from(limit).unwrap_or(u64::MAX);
                    return Err(Fault::Timeout { limit_ms });
                }
            }
            self.process.look()?;
        }
    }

    async fn event(&mut self, deadline: Deadline) -> Event {
        let Running { stdin, stdout, stderr, .. } = &mut self.process;
        let event = |done: std::io::Result<usize>, event: fn(usize) -> Event| {
            done.map_or_else(Event::Broke, event)
        };
        let rest = &self.waiting[self.written..];
        // What is on the deadline's side comes first: who floods us can't put it off.
        tokio::select! {
            biased;
            () = sleep_until(deadline.at) => Event::Late,
            done = stdin.write(rest), if !rest.is_empty() => event(done, Event::Wrote),
            done = stdout.read(&mut self.chunk) => event(done, Event::Heard),
            done = stderr.read(&mut self.murmur), if self.murmurs => event(done, Event::Murmured),
            () = sleep(TICK) => Event::Nothing,
        }
    }

    /// Counts what was read for one question, and what our answers made of it.
    fn count(&mut self, what: &str, count: usize) -> Result<(), Fault> {
        self.read = self.read.saturating_add(count as u64);
        if self.read > self.limits.output || self.waiting.len() > 2 * MOST_WAITING {
            return Err(Fault::Flood { what: what.to_owned(), limit_bytes: self.limits.output });
        }
        Ok(())
    }

    async fn death(&mut self) -> Fault {
        // Its last words may still be on their way.
        let _ = timeout(FAREWELL, self.last_murmurs()).await;
        let said = last_words(&[], &self.said);
        self.process.death(&said).await
    }

    async fn last_murmurs(&mut self) {
        for _ in 0..16 {
            match self.process.stderr.read(&mut self.murmur).await {
                Ok(count) if count > 0 => self.murmured(count),
                _ => return,
            }
        }
    }

    fn murmured(&mut self, count: usize) {
        self.said.extend_from_slice(&self.murmur[..count]);
        let surplus = self.said.len().saturating_sub(KEPT);
        self.said.drain(..surplus);
    }

    fn hear(&mut self, heard: Heard) -> Result<(), Fault> {
        match (heard.method, heard.id) {
            (Some(method), Some(id)) => {
                let answer = self.answer(&method, heard.params.as_ref());
                self.say(&if let Some(result) = answer {
                    json!({ "jsonrpc": "2.0", "id": id, "result": result })
                } else {
                    let error = json!({ "code": -32601, "message": "not known here" });
                    json!({ "jsonrpc": "2.0", "id": id, "error": error })
                });
                Ok(())
            }
            (Some(method), None) if method == "textDocument/publishDiagnostics" => {
                self.note_published(heard.params.unwrap_or_default())
            }
            (Some(_), None) => Ok(()),
            (None, id) => {
                let stray = || Fault::unparsable("an answer of the server", "nobody asked for it");
                let id = id.and_then(|id| id.as_u64()).ok_or_else(stray)?;
                let place = self.asked.get_mut(&id).filter(|place| place.is_none());
                let answer = match (heard.result, heard.error) {
                    (_, Some(refusal)) => Err(refusal),
                    (Some(result), None) => Ok(result),
                    (None, None) => {
                        let why = "it holds neither a result nor an error";
                        return Err(Fault::unparsable("an answer of the server", why));
                    }
                };
                *place.ok_or_else(stray)? = Some(answer);
                Ok(())
            }
        }
    }

    /// What the server gets for a question of its own; nothing where it is not known. Whatever it
    /// would change is not changed: a gate only looks.
    fn answer(&mut self, method: &str, params: Option<&Value>) -> Option<Value> {
        match method {
            "client/registerCapability" => {
                let registrations = params.and_then(|params| params["registrations"].as_array());
                self.registered |= registrations
                    .into_iter()
                    .flatten()
                    .any(|it| it["method"] == "textDocument/diagnostic");
                Some(Value::Null)
            }
            "workspace/configuration" => {
                let items = params.and_then(|params| params["items"].as_array());
                let section = |item: &Value| match item["section"].as_str() {
                    Some(section) => self.settings[section].clone(),
                    None => Value::Null,
                };
                Some(items.into_iter().flatten().map(section).collect())
            }
            "workspace/applyEdit" => Some(json!({ "applied": false })),
            "client/unregisterCapability"
            | "window/workDoneProgress/create"
            | "window/showMessageRequest"
            | "workspace/workspaceFolders" => Some(Value::Null),
            _ if method.starts_with("workspace/") && method.ends_with("/refresh") => {
                Some(Value::Null)
            }
            _ => None,
        }
    }

    /// Takes diagnostics of a version that is waited for; late ones of older texts are nobody's.
    fn note_published(&mut self, params: Value) -> Result<(), Fault> {
        let published: Published = serde_json::from_value(params)
            .map_err(|error| Fault::unparsable("diagnostics of the server", error))?;
        let path = path_at(&published.uri);
        let Some((version, place)) = path.and_then(|path| self.wanted.get_mut(&path)) else {
            return Ok(());
        };
        match published.version {
            Some(of) if of == *version => *place = Some(published.diagnostics),
            Some(_) => {}
            None => {
                let why = "they do not say of which version of the text they are";
                return Err(Fault::unparsable("diagnostics of the server", why));
            }
        }
        Ok(())
    }
}
