//! The programs of the lab: clients and servers of [`crate::app`], and scripts for everything else.

use smoltcp::socket::tcp::{self, RecvError};
use smoltcp::time::Duration;

use super::{Line, Moment};
use crate::app::{Client, Server, UdpClient, UdpServer};
use crate::stack::{Context, Next, Session};

crate::sessions! {
    /// One side of a TCP connection.
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
    /// Tells a script how long a frame takes.
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

/// A step of a script. Each step finishes before the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptStep<'a> {
    /// Send RST.
    Abort,
    /// Close: send FIN, and discard all data that arrives.
    Close,
    /// Send FIN, but keep reading.
    HalfClose,
    /// Wait until the run is this many milliseconds old.
    Pause(u32),
    /// Wait until the run is this many milliseconds old, and as many latencies of the wire as `trips`.
    PauseTrips {
        /// Milliseconds.
        millis: u32,
        /// Latencies.
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
    /// How old the run must be for the next step.
    fn pause(&self) -> Moment {
        let (millis, trips) = match *self {
            ScriptStep::Pause(millis) => (millis, 0),
            ScriptStep::PauseTrips { millis, trips } => (millis, trips),
            _ => (0, 0),
        };
        Moment { time: Duration::from_millis(millis.into()), trips }
    }
}

/// A program that takes its steps one after another, then waits for the connection to end.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    steps: &'a [ScriptStep<'a>],
    /// The latency of the wire.
    latency: Duration,
    /// How many bytes of the current step have been sent or read.
    bytes_done: usize,
}

impl<'a> Script<'a> {
    /// A script of these steps, on a wire with the default latency.
    pub fn new(steps: &'a [ScriptStep<'a>]) -> Self {
        Script { steps, latency: Line::DEFAULT_LATENCY, bytes_done: 0 }
    }
}

impl Session for Script<'_> {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        while let Some((step, rest)) = self.steps.split_first() {
            let is_complete = match *step {
                ScriptStep::Abort => return Next::Abort,
                ScriptStep::Close => return Next::Close,
                ScriptStep::HalfClose => {
                    socket.close();
                    true
                }
                ScriptStep::Pause(_) | ScriptStep::PauseTrips { .. } => {
                    let until = super::START + step.pause().on(self.latency);
                    if cx.now < until {
                        return Next::WakeAt(until);
                    }
                    true
                }
                ScriptStep::Read(count) => {
                    let left = count - self.bytes_done;
                    match socket.recv(|data| (data.len().min(left), data.len().min(left))) {
                        Ok(0) => return Next::Wait,
                        Ok(len) => self.bytes_done += len,
                        Err(_) => return Next::Close,
                    }
                    self.bytes_done == count
                }
                ScriptStep::ReadToEnd => match socket.recv(|data| (data.len(), data.len())) {
                    Ok(0) => return Next::Wait,
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
                    let left = count - self.bytes_done;
                    let fill = |room: &mut [u8]| {
                        let len = room.len().min(left);
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
