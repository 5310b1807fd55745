//! Measures many simultaneous connections on the TAP.
//!
//! The figures are the rate at which the connections open, their memory, and the cost of idle connections.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::child::Server;
use super::deadline::{Deadline, Miss};
use super::metric::{Figure, Metric, Subject};
use super::talk::{Talker, talk, together};

/// The number of connections that exchange greetings.
const ACTIVE: usize = 1000;

/// The number of threads that open connections. With one thread, the result would mostly show how long a sleeping core
/// takes to wake.
const OPENING: usize = 16;

/// The number of open files to allow in addition to the clients' sockets.
const OTHER_FILES: u64 = 100;

/// Opens `number` connections to a new server, then exchanges greetings on [`ACTIVE`] of them.
///
/// Closes all connections at the end. Returns each figure with its value.
///
/// # Errors
/// Returns an error if a connection cannot be opened, or if a client is not greeted.
pub fn crowd(number: usize, span: Duration, deadline: Deadline<'_>) -> Result<Vec<(Figure, f64)>, Miss> {
    allow_files(number as u64 + OTHER_FILES)?;
    let server = Server::smolstep(number, deadline)?;
    let start = Instant::now();
    let talkers = open(server.address(), number, deadline)?;
    let setup = number as f64 / start.elapsed().as_secs_f64();
    // The active connections are spread over the whole connection table.
    let each = (number / ACTIVE).max(1);
    let (mut talking, mut silent) = (Vec::new(), Vec::new());
    for (client, talker) in talkers.into_iter().enumerate() {
        if client % each == 0 { talking.push(talker) } else { silent.push(talker) }
    }
    let memory = server.resident()? / number as f64;
    let active = talk(&mut talking, span, deadline)?;
    let figures = [(Metric::Setup, setup), (Metric::Memory, memory), (Metric::Active, active)];
    Ok(figures.map(|(metric, value)| (Figure { metric, subject: Subject::Connections(number) }, value)).into())
}

/// Opens connections, in several threads.
fn open(server: SocketAddr, number: usize, deadline: Deadline<'_>) -> Result<Vec<Talker>, Miss> {
    let open = |clients: Range<usize>| clients.map(|client| Talker::new(server, client, deadline)).collect();
    let shares = (0..OPENING).map(|share| share * number / OPENING..(share + 1) * number / OPENING);
    let talkers: Vec<Vec<_>> = together(shares, open)?;
    Ok(talkers.into_iter().flatten().collect())
}

/// Raises the limit on open files to `number`. Returns [`Miss::Skipped`] if the system refuses.
fn allow_files(number: u64) -> Result<(), Miss> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= number) {
        return Ok(());
    }
    let wanted = Rlimit { current: Some(number), maximum: limit.maximum };
    setrlimit(Resource::Nofile, wanted).map_err(|_| {
        let most = limit.maximum.map_or_else(String::new, |most| format!(" of {most}"));
        Miss::Skipped(format!("it takes {number} open files, above the limit{most}: raise it with ulimit -Hn"))
    })
}
