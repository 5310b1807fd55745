//! Many clients of a greeting server, each with one message under way, in as many threads as there are
//! cores but one, which is the server's.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::client::{WELCOME, connect, expect};
use super::guard::{Guard, Miss, TICK};

/// A client.
pub struct Talker {
    stream: TcpStream,
    name: String,
    reply: String,
    /// How much of the reply has come.
    come: usize,
}

impl Talker {
    /// Connects and hears the welcome.
    ///
    /// # Errors
    /// There is none.
    pub fn new(server: SocketAddr, number: usize, guard: Guard<'_>) -> Result<Self, Miss> {
        guard.check()?;
        let mut stream = connect(server)?;
        expect(&mut stream, WELCOME, guard)?;
        let name = format!("client {number}");
        Ok(Talker { stream, reply: format!("Hello,{name}!"), name, come: 0 })
    }

    fn say(&mut self, guard: Guard<'_>) -> Result<(), Miss> {
        self.come = 0;
        // A socket with nothing under way takes a message whole.
        guard.patiently(|| self.stream.write_all(self.name.as_bytes()))
    }

    /// Takes in what has come, and tells whether that is all of the reply.
    fn hear(&mut self, guard: Guard<'_>) -> Result<bool, Miss> {
        let mut buffer = [0; 64];
        let len = guard.patiently(|| self.stream.read(&mut buffer))?;
        let rest = self.reply.as_bytes().get(self.come..).unwrap_or_default();
        if len == 0 || !buffer.get(..len).is_some_and(|come| rest.starts_with(come)) {
            return Err(Miss::failed("a client was not greeted as it should be"));
        }
        self.come += len;
        Ok(self.come == self.reply.len())
    }
}

/// Round trips a second of all of them together, over `span`.
///
/// # Errors
/// One is not greeted.
pub fn talk(talkers: &mut [Talker], span: Duration, guard: Guard<'_>) -> Result<f64, Miss> {
    let threads = thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1));
    let share = talkers.len().div_ceil(threads).max(1);
    let trips = together(talkers.chunks_mut(share), |talkers| talk_alone(talkers, span, guard))?;
    Ok(trips.iter().sum())
}

/// Runs clients in threads, one for each part of the work.
///
/// # Errors
/// Those of the first that fails.
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
        // All are started before any is waited for.
        let threads: Vec<_> = parts.map(start).collect();
        let join = |thread: Result<ScopedJoinHandle<'_, _>, Miss>| {
            thread?.join().unwrap_or_else(|_| Err(Miss::panicked("a client")))
        };
        threads.into_iter().map(join).collect()
    })
}

/// The same of some of them, in this thread.
fn talk_alone(talkers: &mut [Talker], span: Duration, guard: Guard<'_>) -> Result<f64, Miss> {
    let waiting = Miss::at::<Errno>("waiting");
    let poll = epoll::create(CreateFlags::CLOEXEC).map_err(&waiting)?;
    for (number, talker) in talkers.iter_mut().enumerate() {
        epoll::add(&poll, &talker.stream, EventData::new_u64(number as u64), EventFlags::IN).map_err(&waiting)?;
        talker.say(guard)?;
    }
    let timeout = rustix::time::Timespec::try_from(TICK).ok();
    let (start, mut trips) = (Instant::now(), 0u64);
    let mut events = Vec::with_capacity(talkers.len().max(1));
    while start.elapsed() < span || trips == 0 {
        match epoll::wait(&poll, spare_capacity(&mut events), timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => guard.check()?,
            Ok(_) => {}
            Err(errno) => return Err(waiting(errno)),
        }
        for event in events.drain(..) {
            let Some(talker) = talkers.get_mut(event.data.u64() as usize) else { continue };
            if talker.hear(guard)? {
                trips += 1;
                talker.say(guard)?;
            }
        }
    }
    Ok(trips as f64 / start.elapsed().as_secs_f64())
}
