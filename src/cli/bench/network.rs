//! A network of its own for each measurement, so that none finds what another has left: sockets in TIME-WAIT, a full queue.

use std::thread;

use super::guard::Miss;
use crate::cli::sandbox::{make_tap, namespace};

/// Runs `work` on a thread of its own in a new network namespace, with the loopback up and a new TAP; what it starts is there,
/// too. The namespace ends with it.
///
/// # Errors
/// Those of `work`, or the namespace or the TAP cannot be had.
pub fn in_network<T: Send>(work: impl FnOnce() -> Result<T, Miss> + Send) -> Result<T, Miss> {
    let inside = || {
        namespace::own_network().map_err(Miss::failed)?;
        make_tap().map_err(Miss::failed)?;
        work()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("bench-client".into())
            .spawn_scoped(scope, inside)
            .map_err(Miss::at("a thread"))?;
        thread.join().unwrap_or_else(|_| Err(Miss::panicked("it")))
    })
}
