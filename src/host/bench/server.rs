//! What the servers do, whoever's TCP they run on, and the servers on the kernel's: a thread a connection, by std::net.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

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
/// Those of the client, or there is no socket to listen on.
pub fn with_threads<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Miss::at("listening"))?;
    let address = listener.local_addr().map_err(Miss::at("listening"))?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::Acquire) {
                    break;
                }
                // Without a thread the client is turned away, and says so.
                let _ =
                    thread::Builder::new().name("bench-kernel".into()).spawn_scoped(scope, move || serve(stream, duty));
            }
        });
        let result = client(address);
        over.store(true, Ordering::Release);
        // Wakes who accepts. Refused, there is nobody to wake.
        let _ = TcpStream::connect(address);
        result
    })
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

fn greet(stream: &mut TcpStream) -> std::io::Result<()> {
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

fn send(stream: &mut TcpStream) -> std::io::Result<()> {
    let (mut buffer, mut pattern) = (vec![0; CHUNK], Pattern::default());
    loop {
        pattern.fill(&mut buffer);
        stream.write_all(&buffer)?;
    }
}

fn receive(stream: &mut TcpStream, check: &Check) -> std::io::Result<()> {
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
