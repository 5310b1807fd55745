//! Who acts in the lab: a program's client or server from [`crate::app`], or a script that reaches what no program does.

use smoltcp::socket::tcp::{self, RecvError};
use smoltcp::time::Duration;

use crate::app::{Client, Server, UdpClient, UdpServer};
use crate::stack::{Context, Next, Session};

crate::sessions! {
    /// One side of a TCP connection.
    #[derive(Clone, Debug)]
    #[allow(clippy::large_enum_variant)] // A client carries the line it reads; there is no heap to put it on.
    pub enum Actor<'a> {
        /// A program's client.
        Client(Client<'a>),
        /// A script.
        Script(Script<'a>),
        /// A program's server.
        Server(Server<'a>),
    }
}

crate::udp_sessions! {
    /// A program on a UDP port.
    #[derive(Clone, Debug)]
    #[allow(clippy::large_enum_variant)] // As above.
    pub enum UdpActor<'a> {
        /// A program's client.
        Client(UdpClient<'a>),
        /// A program's server.
        Server(UdpServer<'a>),
    }
}

/// What a script does next. An act is done before the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Send RST.
    Abort,
    /// Want nothing more: FIN, and whatever arrives is thrown away.
    Close,
    /// Send FIN and go on reading.
    HalfClose,
    /// Wait until the run is so many milliseconds old.
    Pause(u32),
    /// Read so many bytes.
    Read(usize),
    /// Read until the peer's FIN.
    ReadToEnd,
    /// Send this.
    Send(&'a [u8]),
    /// Send so many bytes.
    SendBytes(usize),
}

/// Acts, one after another; then it waits for the end.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    acts: &'a [Act<'a>],
    /// How far the current act is, in bytes.
    done: usize,
}

impl<'a> Script<'a> {
    /// These acts.
    pub fn new(acts: &'a [Act<'a>]) -> Self {
        Script { acts, done: 0 }
    }
}

impl Session for Script<'_> {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        while let Some((act, rest)) = self.acts.split_first() {
            let done = match *act {
                Act::Abort => return Next::Abort,
                Act::Close => return Next::Close,
                Act::HalfClose => {
                    socket.close();
                    true
                }
                Act::Pause(millis) => {
                    let until = super::START + Duration::from_millis(millis.into());
                    if cx.now < until {
                        return Next::WakeAt(until);
                    }
                    true
                }
                Act::Read(count) => {
                    let left = count - self.done;
                    match socket.recv(|data| (data.len().min(left), data.len().min(left))) {
                        Ok(0) => return Next::Wait,
                        Ok(len) => self.done += len,
                        Err(_) => return Next::Close,
                    }
                    self.done == count
                }
                Act::ReadToEnd => match socket.recv(|data| (data.len(), data.len())) {
                    Ok(0) => return Next::Wait,
                    Ok(_) => false,
                    Err(RecvError::Finished) => true,
                    Err(RecvError::InvalidState) => return Next::Close,
                },
                Act::Send(bytes) => {
                    self.done += socket.send_slice(&bytes[self.done..]).unwrap_or(0);
                    if self.done < bytes.len() {
                        return Next::Wait;
                    }
                    true
                }
                Act::SendBytes(count) => {
                    let left = count - self.done;
                    let fill = |room: &mut [u8]| {
                        let len = room.len().min(left);
                        room[..len].fill(b'x');
                        (len, len)
                    };
                    match socket.send(fill) {
                        Ok(len) if len > 0 => self.done += len,
                        _ => return Next::Wait,
                    }
                    self.done == count
                }
            };
            if done {
                (self.acts, self.done) = (rest, 0);
            }
        }
        Next::Wait
    }
}
