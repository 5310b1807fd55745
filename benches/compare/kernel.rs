//! The server on the kernel's TCP. It uses `std::net`, and a thread for each connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::net::{Shutdown, shutdown};

use super::deadline::Miss;
use super::pattern::Pattern;
use super::server::{CHUNK, Check, Duty, WELCOME, scoped_server};

/// Runs a client against a server on the kernel's loopback.
///
/// # Errors
/// Returns the error from the client. Also returns an error if the server cannot listen or accept a connection.
pub fn with_threads<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Miss::at("listening"))?;
    let address = listener.local_addr().map_err(Miss::at("listening"))?;
    let over = AtomicBool::new(false);
    let stop = || {
        over.store(true, Ordering::Release);
        stop_listening(&listener);
    };
    let server = || accept(&listener, duty, &over).map_err(Miss::at("accepting"));
    scoped_server(("bench-kernel", "the server"), server, stop, || client(address))
}

/// Serves each connection on its own thread, until `over` is set.
///
/// [`stop_listening`] ends the wait for a client. Open connections are served until they close. After an error, further
/// clients are refused.
pub fn accept(listener: &TcpListener, duty: &Duty, over: &AtomicBool) -> io::Result<()> {
    thread::scope(|scope| {
        loop {
            match listener.accept() {
                _ if over.load(Ordering::Acquire) => return Ok(()),
                Ok((stream, _)) => {
                    let thread = thread::Builder::new().name("bench-kernel".into());
                    // If no thread can start, the stream is dropped, and the client reports the failure.
                    let _ = thread.spawn_scoped(scope, move || serve(stream, duty));
                }
                // The client has already closed its connection.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    stop_listening(listener);
                    return Err(error);
                }
            }
        }
    })
}

/// Wakes the accepting thread. Clients in the backlog are refused (shutdown(2) on a listening socket).
fn stop_listening(listener: &TcpListener) {
    // The call fails only if the socket is already shut down.
    let _ = shutdown(listener, Shutdown::Both);
}

/// Serves one connection until it closes or fails.
fn serve(mut stream: TcpStream, duty: &Duty) {
    let _ = stream.set_nodelay(true);
    let _ = match duty {
        Duty::Greet => greet(&mut stream),
        Duty::Send => send(&mut stream),
        Duty::Receive(check) => receive(&mut stream, check),
    };
}

/// Greets a client, as the program greeting does.
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

/// Sends the payload until the client closes.
fn send(stream: &mut TcpStream) -> io::Result<()> {
    let (mut buffer, mut pattern) = (vec![0; CHUNK], Pattern::default());
    loop {
        pattern.fill(&mut buffer);
        stream.write_all(&buffer)?;
    }
}

/// Receives and checks the payload until the client closes.
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
