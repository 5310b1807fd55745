//! The random programs of the swarm. The program of each connection keeps a record, which judge.rs checks.

use std::cell::RefCell;
use std::rc::Rc;

use smolstep::stack::{Context, End, Next, Session};
use smoltcp::socket::tcp::{RecvError, Socket};
use smoltcp::time::{Duration, Instant};

use crate::hostile::random::Random;

/// How a program ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Aborts when the numbers of bytes written and read add up to this number. If the connection carries fewer bytes,
    /// does the same as [`HalfClose`](Self::HalfClose).
    Abort(usize),
    /// Closes its side when it has written everything, then reads to the end.
    HalfClose,
    /// Waits for the peer's end of stream before it closes.
    Last,
    /// Closes when it has written everything. Data that the peer sends later is lost.
    Leave,
}

/// The behaviour of a program.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// The number of bytes that the program writes.
    pub len: usize,
    /// The number of bytes of one write and the pause after it.
    pub write: (usize, Duration),
    /// The number of bytes of one read and the pause after it.
    pub read: (usize, Duration),
    /// How the program ends its connection.
    pub finish: Finish,
}

/// The record of one connection's program.
pub struct Record {
    /// The ports of the client and of the server.
    pub ports: (u16, u16),
    /// All bytes that the program intends to write. No two programs write the same bytes.
    pub stream: Rc<[u8]>,
    /// The number of bytes that the program has written.
    pub written: usize,
    /// The bytes that the program has read.
    pub received: Vec<u8>,
    /// For each read, the total number of bytes read by then, and the time.
    pub read_at: Vec<(usize, Instant)>,
    /// Whether the program saw the end of the stream.
    pub clean: bool,
    /// Whether the program has decided to stop reading.
    pub discards: bool,
    /// Whether the host has restarted, and has therefore forgotten the connection.
    pub forgotten: bool,
    /// The way in which the connection ended, once it has ended.
    pub end: Option<End>,
}

/// The records of one host, in the order in which its programs began.
pub type Records = Rc<RefCell<Vec<Record>>>;

/// A program of the swarm. Each running clone has its own record.
#[derive(Clone)]
pub struct Program {
    habits: Habits,
    key: u64,
    records: Records,
    record: Option<usize>,
    is_client: bool,
    read_next: Instant,
    write_next: Instant,
}

impl Program {
    /// Creates a program. `key` and the index of the program's record determine the bytes that the program writes.
    pub fn new(habits: Habits, key: u64, records: &Records, is_client: bool) -> Self {
        let records = records.clone();
        Program { habits, key, records, record: None, is_client, read_next: Instant::ZERO, write_next: Instant::ZERO }
    }

    /// Adds a record for a new connection, and returns its index.
    fn add_record(&mut self, socket: &Socket<'_>) -> usize {
        let port = |end: Option<smoltcp::wire::IpEndpoint>| end.map_or(0, |end| end.port);
        let (local, remote) = (port(socket.local_endpoint()), port(socket.remote_endpoint()));
        let mut records = self.records.borrow_mut();
        let stream = Random(self.key ^ (records.len() as u64) << 48).bytes(self.habits.len).into();
        records.push(Record {
            ports: if self.is_client { (local, remote) } else { (remote, local) },
            stream,
            written: 0,
            received: Vec::new(),
            read_at: Vec::new(),
            clean: false,
            discards: false,
            forgotten: false,
            end: None,
        });
        records.len() - 1
    }
}

impl Session for Program {
    /// Reads and writes one piece each if their pauses are over, and ends the connection as planned.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let index = self.record.unwrap_or_else(|| self.add_record(socket));
        self.record = Some(index);
        let records = self.records.clone();
        let record = &mut records.borrow_mut()[index];
        let now = cx.now;
        let (piece, pause) = self.habits.read;
        while now >= self.read_next && !record.clean {
            match socket.recv_slice(&mut cx.scratch[..piece]) {
                Ok(0) | Err(RecvError::InvalidState) => break,
                Ok(len) => {
                    record.received.extend_from_slice(&cx.scratch[..len]);
                    record.read_at.push((record.received.len(), now));
                    self.read_next = now + pause;
                }
                Err(RecvError::Finished) => record.clean = true,
            }
        }
        let (piece, pause) = self.habits.write;
        while now >= self.write_next && record.written < record.stream.len() {
            let end = record.stream.len().min(record.written + piece);
            match socket.send_slice(&record.stream[record.written..end]) {
                Ok(len) if len > 0 => record.written += len,
                _ => break,
            }
            self.write_next = now + pause;
        }
        let all_written = record.written == record.stream.len();
        match self.habits.finish {
            Finish::Abort(after) if record.written + record.received.len() >= after => {
                record.discards = true;
                return Next::Abort;
            }
            Finish::Leave if all_written => {
                record.discards = true;
                return Next::Close;
            }
            _ if all_written && record.clean => return Next::Close,
            Finish::Abort(_) | Finish::HalfClose if all_written && socket.may_send() => socket.close(),
            _ => {}
        }
        let read = Some(self.read_next).filter(|at| *at > now && !record.clean);
        let write = Some(self.write_next).filter(|at| *at > now && !all_written);
        match read.into_iter().chain(write).min() {
            Some(at) => Next::WakeAt(at),
            None => Next::Wait,
        }
    }

    fn ended(&mut self, end: End, _cx: &mut Context<'_>) {
        if let Some(index) = self.record {
            self.records.borrow_mut()[index].end = Some(end);
        }
    }
}
