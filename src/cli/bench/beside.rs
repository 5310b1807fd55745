//! A server in a thread beside its client.

use std::thread;

use super::guard::Miss;

/// Runs `server` in a thread of this name, and `client` in this one. When the client has ended, even by a panic, `stop` is called,
/// which ends the server: nobody waits for that for ever. `what` is the server's name where it panics.
///
/// # Errors
/// Those of the server, which are what came of its client, too; else those of the client.
pub fn beside<T>(
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

/// Calls this when it is dropped.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
