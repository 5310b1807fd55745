//! Many clients of a greeting server, each with one message in flight.
//!
//! Every core except one runs a thread with a share of the clients. The remaining core is for the server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::client::{connect, expect};
use super::deadline::{Deadline, Miss, TICK};
use super::server::WELCOME;

/// A client of the greeting server.
pub struct Talker {
    stream: TcpStream,
    name: String,
    reply: String,
    /// Bytes of the reply that have arrived.
    received: usize,
}

impl Talker {
    /// Connects and reads the welcome.
    ///
    /// # Errors
    /// Returns an error if the server does not answer, or sends something else.
    pub fn new(server: SocketAddr, number: usize, deadline: Deadline<'_>) -> Result<Self, Miss> {
        deadline.check()?;
        let mut stream = connect(server)?;
        expect(&mut stream, WELCOME, deadline)?;
        let name = format!("client {number}");
        Ok(Talker { stream, reply: format!("Hello,{name}!"), name, received: 0 })
    }

    fn send(&mut self, deadline: Deadline<'_>) -> Result<(), Miss> {
        self.received = 0;
        // With no data in flight, the socket's buffer has room for the whole message.
        deadline.retry(|| self.stream.write_all(self.name.as_bytes()))
    }

    /// Reads the bytes of the reply that have arrived. Returns whether the reply is complete.
    fn read(&mut self, deadline: Deadline<'_>) -> Result<bool, Miss> {
        let mut buffer = [0; 64];
        let len = deadline.retry(|| self.stream.read(&mut buffer))?;
        let rest = self.reply.as_bytes().get(self.received..).unwrap_or_default();
        if len == 0 || !buffer.get(..len).is_some_and(|come| rest.starts_with(come)) {
            return Err(Miss::failed("a client was not greeted as it should be"));
        }
        self.received += len;
        Ok(self.received == self.reply.len())
    }
}

/// Lets all clients exchange greetings for `span`. Returns the total number of round trips per second.
///
/// # Errors
/// Returns an error if a client is not greeted.
pub fn talk(talkers: &mut [Talker], span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let threads = thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1));
    let share = talkers.len().div_ceil(threads).max(1);
    let trips = together(talkers.chunks_mut(share), |talkers| talk_alone(talkers, span, deadline))?;
    Ok(trips.iter().sum())
}

/// Calls `client` in a thread for each of `parts`, and returns the results in order.
///
/// # Errors
/// Returns the error from the first part that fails.
pub fn together<P: Send, T: Send>(
    parts: impl Iterator<Item = P>,
    client: impl Fn(P) -> Result<T, Miss> + Sync,
) -> Result<Vec<T>, Miss> {
    let client = &client;
    thread::scope(|scope| {
        let start = |part| {
            let thread = thread::Builder::new().name("bench-client".into());
            thread.spawn_scoped(scope, move || client(part)).map_err(Miss::at("a thread"))
        };
        // Without `collect`, each thread would start only after the previous one was joined.
        let threads: Vec<_> = parts.map(start).collect();
        let join = |thread: Result<ScopedJoinHandle<'_, _>, Miss>| {
            thread?.join().unwrap_or_else(|_| Err(Miss::panicked("a client")))
        };
        threads.into_iter().map(join).collect()
    })
}

/// Does the work of [`talk`] for one thread's clients.
fn talk_alone(talkers: &mut [Talker], span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let waiting = Miss::at::<Errno>("waiting");
    let poll = epoll::create(CreateFlags::CLOEXEC).map_err(&waiting)?;
    for (number, talker) in talkers.iter_mut().enumerate() {
        epoll::add(&poll, &talker.stream, EventData::new_u64(number as u64), EventFlags::IN).map_err(&waiting)?;
        talker.send(deadline)?;
    }
    let timeout = rustix::time::Timespec::try_from(TICK).ok();
    let (start, mut trips) = (Instant::now(), 0u64);
    let mut events = Vec::with_capacity(talkers.len().max(1));
    while start.elapsed() < span || trips == 0 {
        match epoll::wait(&poll, spare_capacity(&mut events), timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => deadline.check()?,
            Ok(_) => {}
            Err(errno) => return Err(waiting(errno)),
        }
        for event in events.drain(..) {
            let Some(talker) = talkers.get_mut(event.data.u64() as usize) else { continue };
            if talker.read(deadline)? {
                trips += 1;
                talker.send(deadline)?;
            }
        }
    }
    Ok(trips as f64 / start.elapsed().as_secs_f64())
}
