//! What every server does, whoever's TCP it runs on, and how it runs beside its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::deadline::Miss;

/// What the greeting server sends first.
pub const WELCOME: &[u8] = b"Welcome!";

/// Bytes of one read or write of a stream on a kernel socket.
pub const CHUNK: usize = 256 << 10;

/// What a server does with a connection.
#[derive(Clone, Debug)]
pub enum Duty {
    /// The program greeting.
    Greet,
    /// Sends the payload without end.
    Send,
    /// Receives the payload, checks it, and closes after the client.
    Receive(Check),
}

/// What a server found in the stream that it received.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// Whether it was not the payload.
    pub wrong: Arc<AtomicBool>,
    /// The length of the stream, once it has ended.
    pub bytes: Arc<AtomicU64>,
}

impl Check {
    /// Notes that the stream has ended after `bytes` bytes.
    pub fn ended(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Notes that the stream is not the payload.
    pub fn is_wrong(&self) {
        self.wrong.store(true, Ordering::Release);
    }
}

/// Runs `server` in a thread of this name, and `client` in this one.
///
/// When the client has ended, even by a panic, `stop` is called, which must end the server. `what` names the server if it panics.
///
/// # Errors
/// Those of the server, which explain those of its client, too; else those of the client.
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

/// Calls its function when it is dropped.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
