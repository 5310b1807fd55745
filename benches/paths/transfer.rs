//! The clients, on the kernel's TCP.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::server::Program;

/// The time limit of a transfer. A transfer stops after this time, and its result is the bytes that have arrived.
const LIMIT: Duration = Duration::from_secs(25);
/// The longest wait until a server listens.
const START: Duration = Duration::from_secs(10);

/// A finished transfer.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// The bytes that arrived.
    pub bytes: usize,
    /// The time from the end of the handshake to the final byte, or to the time limit.
    pub time: Duration,
    /// The longest time during which no byte arrived.
    pub gap: Duration,
}

impl Transfer {
    /// Returns the rate in Mbit/s.
    pub fn rate(&self) -> f64 {
        self.bytes as f64 * 8e-6 / self.time.as_secs_f64().max(1e-6)
    }
}

/// Receives `len` bytes from a server. If the program is echo, a second thread sends these bytes to the server.
///
/// # Errors
/// Returns a one-line message for the user if the connection cannot be opened, or fails.
pub fn transfer(program: Program, server: SocketAddr, len: usize) -> Result<Transfer, String> {
    let fail = |error| format!("{server}: {error}");
    let mut stream = connect(server).map_err(fail)?;
    let start = Instant::now();
    let timeout = Some(Duration::from_millis(100));
    stream.set_read_timeout(timeout).and_then(|()| stream.set_write_timeout(Some(LIMIT))).map_err(fail)?;
    let mut sender = stream.try_clone().map_err(fail)?;
    thread::scope(|scope| {
        if program == Program::Echo {
            scope.spawn(move || {
                // If sending fails, the receiver reports the error.
                let _ = sender.write_all(&vec![b'q'; len]).and_then(|()| sender.shutdown(Shutdown::Write));
            });
        }
        let result = receive(&mut stream, len, start).map_err(fail);
        // The shutdown ends a sender that is still blocked.
        let _ = stream.shutdown(Shutdown::Both);
        result
    })
}

/// Connects to a server, and retries until it listens or [`START`] has passed.
fn connect(server: SocketAddr) -> std::io::Result<TcpStream> {
    let until = Instant::now() + START;
    loop {
        match TcpStream::connect_timeout(&server, START) {
            Err(_) if Instant::now() < until => thread::sleep(Duration::from_millis(100)),
            result => return result,
        }
    }
}

/// Receives until `len` bytes have arrived or the time limit has passed. `start` is the time of the handshake.
fn receive(stream: &mut TcpStream, len: usize, start: Instant) -> std::io::Result<Transfer> {
    let (mut buffer, mut bytes, mut last, mut gap) = (vec![0; 65_536], 0, start, Duration::ZERO);
    while bytes < len && start.elapsed() < LIMIT {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(std::io::Error::other(format!("the server closed after {bytes} bytes"))),
            Ok(more) => {
                bytes += more;
                gap = gap.max(last.elapsed());
                last = Instant::now();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Transfer { bytes, time: start.elapsed(), gap: gap.max(last.elapsed()) })
}
