//! Clients on the kernel's TCP. The clients do not depend on the kind of server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, Miss, TICK};
use super::metric::Spread;
use super::pattern::Pattern;
use super::server::{CHUNK, Check, WELCOME};

/// The time limit of a handshake, long enough to retransmit two lost SYNs.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Connects to `server`. Reads and writes time out after a [`TICK`], so that the caller can check its [`Deadline`].
///
/// # Errors
/// Returns [`Miss::Failed`] if no server answers at this address.
pub fn connect(server: SocketAddr) -> Result<TcpStream, Miss> {
    let stream = TcpStream::connect_timeout(&server, HANDSHAKE).map_err(Miss::at("connecting"))?;
    let set = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(TICK)))
        .and_then(|()| stream.set_write_timeout(Some(TICK)));
    set.map_err(Miss::at("a client's socket")).map(|()| stream)
}

/// Reads `expected.len()` bytes, which must equal `expected`.
///
/// # Errors
/// Returns an error if other bytes arrive, or if the stream ends first.
pub fn expect(stream: &mut TcpStream, expected: &[u8], deadline: Deadline<'_>) -> Result<(), Miss> {
    let mut buffer = [0; 64];
    let mut rest = expected;
    while !rest.is_empty() {
        let len = rest.len().min(buffer.len());
        let read = deadline.retry(|| stream.read(buffer.get_mut(..len).unwrap_or_default()))?;
        match buffer.get(..read).and_then(|read| rest.strip_prefix(read)) {
            Some(later) if read > 0 => rest = later,
            _ => return Err(Miss::failed("the server sent something else than it should")),
        }
    }
    Ok(())
}

/// Receives a stream from the server for a tenth of `span`, then measures the stream for `span`. Returns Gbit/s.
///
/// # Errors
/// Returns an error if the stream ends or has wrong bytes.
pub fn receive(server: SocketAddr, span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let mut stream = connect(server)?;
    let (mut buffer, mut pattern) = (vec![0; CHUNK], Pattern::default());
    let mut part = |span: Duration| {
        let (start, mut bytes) = (Instant::now(), 0);
        while start.elapsed() < span {
            let len = deadline.retry(|| stream.read(&mut buffer))?;
            if len == 0 {
                return Err(Miss::failed("the stream has ended early"));
            }
            if !pattern.matches(buffer.get(..len).unwrap_or_default()) {
                return Err(Miss::failed("what came is not what was sent"));
            }
            bytes += len;
        }
        Ok(gigabits(bytes, start.elapsed()))
    };
    part(span / 10)?;
    part(span)
}

/// Measures a stream to the server in Gbit/s. Sends for `span`, then waits until the server has received everything.
///
/// # Errors
/// Returns an error if the server has not received everything, or has received wrong bytes.
pub fn send(server: SocketAddr, span: Duration, check: &Check, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let mut stream = connect(server)?;
    let (mut buffer, mut pattern) = (vec![0; CHUNK], Pattern::default());
    let (start, mut bytes) = (Instant::now(), 0);
    while start.elapsed() < span {
        pattern.fill(&mut buffer);
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            let len = deadline.retry(|| stream.write(rest))?;
            rest = rest.get(len..).unwrap_or_default();
        }
        bytes += buffer.len();
    }
    stream.shutdown(Shutdown::Write).map_err(Miss::at("closing"))?;
    if deadline.retry(|| stream.read(&mut [0]))? > 0 {
        return Err(Miss::failed("the server sent something else than it should"));
    }
    let time = start.elapsed();
    if check.wrong.load(Ordering::Acquire) || check.bytes.load(Ordering::Acquire) != bytes as u64 {
        return Err(Miss::failed("what the server had is not what was sent"));
    }
    Ok(gigabits(bytes, time))
}

/// Measures greetings for `span`, and returns their median round-trip time in microseconds. One greeting is in flight
/// at a time.
///
/// # Errors
/// Returns an error if the server's reply is not the expected greeting.
pub fn latency(server: SocketAddr, span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let mut stream = connect(server)?;
    expect(&mut stream, WELCOME, deadline)?;
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < span || times.is_empty() {
        let sent = Instant::now();
        deadline.retry(|| stream.write_all(b"Li"))?;
        expect(&mut stream, b"Hello,Li!", deadline)?;
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Spread::of(&times).map_or(0.0, |times| times.median))
}

/// The maximum number of connections that [`accept`] opens. It is smaller than the number of the kernel's ephemeral
/// ports.
const OPENED: usize = 20_000;

/// Opens connections one after another for `span`, and closes each after the welcome. Returns the number of connections
/// per second.
///
/// # Errors
/// Returns an error if a connection is not accepted.
pub fn accept(server: SocketAddr, span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let (start, mut opened) = (Instant::now(), 0);
    while (start.elapsed() < span && opened < OPENED) || opened == 0 {
        deadline.check()?;
        expect(&mut connect(server)?, WELCOME, deadline)?;
        opened += 1;
    }
    Ok(opened as f64 / start.elapsed().as_secs_f64())
}

/// Returns the rate in Gbit/s.
fn gigabits(bytes: usize, time: Duration) -> f64 {
    bytes as f64 * 8.0 / time.as_secs_f64() / 1e9
}
