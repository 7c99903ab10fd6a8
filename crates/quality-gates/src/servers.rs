//! Tools that stay warm: as servers of the language server protocol, which editors speak.
//!
//! A compiler that is started anew reads its libraries anew. One that stays knows all but what
//! changed, and answers in milliseconds. What makes its answers worth as much as the tool's own:
//! the server is told of every file that changed, no answer counts but that to the very text that
//! is judged, and silence, nonsense and the end of the server are errors.

mod connection;
mod form;
mod frames;
mod gate;
mod preparation;
mod protocol;
mod reading;
mod ready;
mod session;

pub use self::form::Form;
pub use self::gate::ServerGate;
pub use self::ready::warm_form;

#[cfg(test)]
mod tests;
