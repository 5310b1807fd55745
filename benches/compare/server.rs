//! The tasks of a server, and a function that runs a server and its client in two threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::deadline::Miss;

/// The greeting server's first message.
pub const WELCOME: &[u8] = b"Welcome!";

/// The maximum number of bytes of one read or write on a kernel socket.
pub const CHUNK: usize = 256 << 10;

/// A server's task on a connection.
#[derive(Clone, Debug)]
pub enum Duty {
    /// Greets clients, as the program greeting does.
    Greet,
    /// Sends the payload endlessly.
    Send,
    /// Receives the payload, checks it, and closes after the client has closed.
    Receive(Check),
}

/// The result of a server's check of the received stream.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Whether the stream differed from the payload.
    pub wrong: Arc<AtomicBool>,
    /// The length of the stream, once it has ended.
    pub bytes: Arc<AtomicU64>,
}

impl Check {
    /// Records that the stream has ended after `bytes` bytes.
    pub fn ended(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Records that the stream differs from the payload.
    pub fn is_wrong(&self) {
        self.wrong.store(true, Ordering::Release);
    }
}

/// Runs `server` in a thread called `name`, and `client` in the calling thread.
///
/// Calls `stop` when the client has returned or panicked. `stop` must make the server return. `what` names the server
/// in the error if the server panics.
///
/// # Errors
/// Returns the error from the server, if there is one, because it explains the client's error. Otherwise returns the
/// error from the client.
pub fn scoped_server<T>(
    (name, what): (&str, &str),
    server: impl FnOnce() -> Result<(), Miss> + Send,
    stop: impl FnMut(),
    client: impl FnOnce() -> Result<T, Miss>,
) -> Result<T, Miss> {
    thread::scope(|scope| {
        let server =
            thread::Builder::new().name(name.into()).spawn_scoped(scope, server).map_err(Miss::at("a thread"))?;
        let at_end = AtEnd(stop);
        let result = client();
        drop(at_end);
        server.join().unwrap_or_else(|_| Err(Miss::panicked(what))).and(result)
    })
}

/// A guard that calls a function when it is dropped.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
