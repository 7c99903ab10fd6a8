//! Real files, real events, no sleeping: a test waits for a burst, or for that of another
//! file which shows that nothing came before.

mod agreement;
mod editors;
mod folders;
mod harness;
mod own;
mod system;
