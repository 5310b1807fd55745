//! The programs that the lab's hosts run: the clients and servers of [`crate::app`], and scripts.

use smoltcp::socket::tcp::{self, RecvError};
use smoltcp::time::Duration;

use super::{Line, Moment};
use crate::app::{Client, Server, UdpClient, UdpServer};
use crate::stack::{Context, Next, Session};

crate::sessions! {
    /// The program on one side of a TCP connection.
    #[derive(Clone, Debug)]
    #[allow(clippy::large_enum_variant)] // A client contains its line buffer; there is no heap for it.
    pub enum Peer<'a> {
        /// A program's client.
        Client(Client<'a>),
        /// A script.
        Script(Script<'a>),
        /// A program's server.
        Server(Server<'a>),
    }
}

impl Peer<'_> {
    /// Sets the latency on which a script's pauses depend.
    pub(super) fn set_latency(&mut self, latency: Duration) {
        if let Peer::Script(script) = self {
            script.latency = latency;
        }
    }
}

crate::udp_sessions! {
    /// A program on a UDP port.
    #[derive(Clone, Debug)]
    #[allow(clippy::large_enum_variant)] // As for `Peer`.
    pub enum UdpPeer<'a> {
        /// A program's client.
        Client(UdpClient<'a>),
        /// A program's server.
        Server(UdpServer<'a>),
    }
}

/// A step of a script. Each step finishes before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptStep<'a> {
    /// Send RST.
    Abort,
    /// Close the connection: send FIN, and discard all data that arrives later.
    Close,
    /// Send FIN, but keep reading.
    HalfClose,
    /// Wait until this many milliseconds after the start of the run.
    Pause(u32),
    /// Wait until `millis` milliseconds and `trips` latencies of the wire have passed since the start of the run.
    PauseTrips {
        /// The number of milliseconds.
        millis: u32,
        /// The number of latencies.
        trips: u32,
    },
    /// Read this many bytes.
    Read(usize),
    /// Read until the peer's FIN.
    ReadToEnd,
    /// Send these bytes.
    Send(&'a [u8]),
    /// Send this many bytes.
    SendBytes(usize),
}

impl ScriptStep<'_> {
    /// Returns the time, since the start of the run, at which a pause ends. Returns 0 for a step that is no pause.
    fn end_of_pause(&self) -> Moment {
        let (millis, trips) = match *self {
            ScriptStep::Pause(millis) => (millis, 0),
            ScriptStep::PauseTrips { millis, trips } => (millis, trips),
            _ => (0, 0),
        };
        Moment { time: Duration::from_millis(millis.into()), trips }
    }
}

/// A program that runs a list of steps, and then waits for the connection to end.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    steps: &'a [ScriptStep<'a>],
    /// The time that a frame takes on the wire.
    latency: Duration,
    /// The number of bytes sent or read in the current step.
    bytes_done: usize,
}

impl<'a> Script<'a> {
    /// Makes a script of these steps, for a wire with the default latency.
    pub fn new(steps: &'a [ScriptStep<'a>]) -> Self {
        Script { steps, latency: Line::DEFAULT_LATENCY, bytes_done: 0 }
    }
}

impl Session for Script<'_> {
    /// Runs steps until one must wait. `bytes_done` is the progress of the current step.
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        while let Some((step, rest)) = self.steps.split_first() {
            let is_complete = match *step {
                ScriptStep::Abort => return Next::Abort,
                ScriptStep::Close => return Next::Close,
                ScriptStep::HalfClose => {
                    // This closes only the sending direction.
                    socket.close();
                    true
                }
                ScriptStep::Pause(_) | ScriptStep::PauseTrips { .. } => {
                    let until = super::START + step.end_of_pause().on(self.latency);
                    if cx.now < until {
                        return Next::WakeAt(until);
                    }
                    true
                }
                ScriptStep::Read(count) => {
                    let remaining = count - self.bytes_done;
                    // The closure returns how many bytes to remove from the buffer, and the result of `recv`.
                    match socket.recv(|data| (data.len().min(remaining), data.len().min(remaining))) {
                        Ok(0) => return Next::Wait,
                        Ok(len) => self.bytes_done += len,
                        // No more bytes can arrive.
                        Err(_) => return Next::Close,
                    }
                    self.bytes_done == count
                }
                ScriptStep::ReadToEnd => match socket.recv(|data| (data.len(), data.len())) {
                    Ok(0) => return Next::Wait,
                    // More data can follow.
                    Ok(_) => false,
                    Err(RecvError::Finished) => true,
                    Err(RecvError::InvalidState) => return Next::Close,
                },
                ScriptStep::Send(bytes) => {
                    self.bytes_done += socket.send_slice(&bytes[self.bytes_done..]).unwrap_or(0);
                    if self.bytes_done < bytes.len() {
                        return Next::Wait;
                    }
                    true
                }
                ScriptStep::SendBytes(count) => {
                    let remaining = count - self.bytes_done;
                    let fill = |room: &mut [u8]| {
                        let len = room.len().min(remaining);
                        room[..len].fill(b'x');
                        (len, len)
                    };
                    match socket.send(fill) {
                        Ok(len) if len > 0 => self.bytes_done += len,
                        _ => return Next::Wait,
                    }
                    self.bytes_done == count
                }
            };
            if is_complete {
                (self.steps, self.bytes_done) = (rest, 0);
            }
        }
        Next::Wait
    }
}
