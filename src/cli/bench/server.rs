//! What the servers do, whoever's TCP they run on, and the servers on the kernel's: a thread a connection, by std::net.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::net::{Shutdown, shutdown};

use super::beside::beside;
use super::client::{CHUNK, WELCOME};
use super::guard::Miss;
use super::pattern::Pattern;

/// What a server does with a connection.
#[derive(Clone, Debug)]
pub enum Duty {
    /// The program greeting.
    Greet,
    /// Sends the payload without end.
    Send,
    /// Takes the payload in, checks it, and closes after the client.
    Receive(Check),
}

/// What a server has found in what it took in.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// It was not the payload.
    pub wrong: Arc<AtomicBool>,
    /// How long it was, once it has ended.
    pub bytes: Arc<AtomicU64>,
}

impl Check {
    /// The stream has ended after so many bytes.
    pub fn ended(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Release);
    }

    /// It is not what it should be.
    pub fn is_wrong(&self) {
        self.wrong.store(true, Ordering::Release);
    }
}

/// Runs a client against a server on the kernel's loopback.
///
/// # Errors
/// Those of the client, there is no socket to listen on, or a connection cannot be accepted.
pub fn with_threads<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Miss::at("listening"))?;
    let address = listener.local_addr().map_err(Miss::at("listening"))?;
    let over = AtomicBool::new(false);
    let stop = || {
        over.store(true, Ordering::Release);
        stop_listening(&listener);
    };
    let server = || accept(&listener, duty, &over).map_err(Miss::at("accepting"));
    beside(("bench-kernel", "the server"), server, stop, || client(address))
}

/// Serves each connection on a thread of its own, until `over` is set and [`stop_listening`] called; then waits for their ends. At
/// an error, clients are refused from then on.
fn accept(listener: &TcpListener, duty: &Duty, over: &AtomicBool) -> io::Result<()> {
    thread::scope(|scope| {
        loop {
            match listener.accept() {
                _ if over.load(Ordering::Acquire) => return Ok(()),
                Ok((stream, _)) => {
                    let thread = thread::Builder::new().name("bench-kernel".into());
                    // Without a thread the client is turned away, and says so.
                    let _ = thread.spawn_scoped(scope, move || serve(stream, duty));
                }
                // The client has gone already.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    stop_listening(listener);
                    return Err(error);
                }
            }
        }
    })
}

/// Whoever accepts wakes, and clients that have not been accepted are refused (shutdown(2) on a listening socket).
fn stop_listening(listener: &TcpListener) {
    // Fails only where it has been done before.
    let _ = shutdown(listener, Shutdown::Both);
}

/// Serves one connection to its end, which any error is.
fn serve(mut stream: TcpStream, duty: &Duty) {
    let _ = stream.set_nodelay(true);
    let _ = match duty {
        Duty::Greet => greet(&mut stream),
        Duty::Send => send(&mut stream),
        Duty::Receive(check) => receive(&mut stream, check),
    };
}

fn greet(stream: &mut TcpStream) -> io::Result<()> {
    let (mut message, mut reply) = ([0; 1024], Vec::new());
    stream.write_all(WELCOME)?;
    loop {
        let len = stream.read(&mut message)?;
        match message.get(..len) {
            None | Some(b"" | b"exit") => return Ok(()),
            Some(name) => {
                reply.clear();
                for piece in [b"Hello,", name, b"!"] {
                    reply.extend_from_slice(piece);
                }
                stream.write_all(&reply)?;
            }
        }
    }
}

fn send(stream: &mut TcpStream) -> io::Result<()> {
    let (mut buffer, mut pattern) = (vec![0; CHUNK], Pattern::default());
    loop {
        pattern.fill(&mut buffer);
        stream.write_all(&buffer)?;
    }
}

fn receive(stream: &mut TcpStream, check: &Check) -> io::Result<()> {
    let (mut buffer, mut pattern, mut bytes) = (vec![0; CHUNK], Pattern::default(), 0);
    loop {
        let len = stream.read(&mut buffer)?;
        if len == 0 {
            check.ended(bytes);
            return Ok(());
        }
        if !pattern.matches(buffer.get(..len).unwrap_or_default()) {
            check.is_wrong();
            return Ok(());
        }
        bytes += len as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;

    #[test]
    fn a_client_that_panics_does_not_keep_its_server() {
        let client = |address| {
            let mut welcome = [0; WELCOME.len()];
            TcpStream::connect(address).and_then(|mut stream| stream.read_exact(&mut welcome)).unwrap();
            // No message, unlike panic!.
            resume_unwind(Box::new(welcome))
        };
        let panic = catch_unwind(AssertUnwindSafe(|| with_threads::<()>(&Duty::Greet, client))).unwrap_err();
        assert_eq!(panic.downcast_ref::<[u8; WELCOME.len()]>().map(|bytes| &bytes[..]), Some(WELCOME));
    }

    #[test]
    fn an_error_of_accept_is_handed_back_and_clients_are_refused() {
        let (listener, duty) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), Duty::Greet);
        // Nobody has connected: accepting fails at once.
        listener.set_nonblocking(true).unwrap();
        let result = accept(&listener, &duty, &AtomicBool::new(false));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
        let connected = TcpStream::connect(listener.local_addr().unwrap());
        assert_eq!(connected.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
