//! The programs of this crate. The server and the client of a program are in the same file or folder.
//!
//! Each program works on a smoltcp socket and uses no device, clock or allocator. Over TCP, a program needs a send
//! buffer of at least 16 bytes and a receive buffer of at least 64 bytes. [`APPS`] lists the programs, and an [`App`]
//! creates the sessions of its program. The module [`message`] helps you to write your own programs.

use smoltcp::socket::{tcp, udp};
use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use crate::stack::{Answer, Context, End, Next, Respond, Responder};

pub mod ack;
mod budget;
pub mod chargen;
pub mod chat;
mod client;
pub mod discard;
pub mod echo;
mod escape;
pub mod greeting;
pub mod http;
#[doc(hidden)]
pub mod http_client;
pub mod inbox;
mod input;
mod keyboard;
pub mod message;
mod single;
mod terminal;
mod text;
pub mod thanks;
mod timing;
mod udp_client;
pub mod upper;

#[cfg(all(test, feature = "std"))]
mod tests;

#[doc(hidden)]
pub use budget::BUDGET;
pub use chat::{Operator, Room};
pub use client::{Client, ClientOptions, Failure};
use client::{ClientProgram, Run};
pub use escape::Escape;
pub use greeting::{Template, TemplateError};
#[doc(hidden)]
pub use http::{Row, Transport};
pub use http::{Service, Status};
#[cfg(feature = "cli")]
pub(crate) use input::{CONSOLE, PROMPT};
pub use keyboard::Keyboard;
pub use terminal::{SerialPort, Terminal};
#[cfg(feature = "alloc")]
pub(crate) use text::is_invisible;
#[cfg(feature = "cli")]
pub(crate) use text::split_line_end;
pub use udp_client::UdpClient;

/// A program of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "`summary` describes each")]
#[non_exhaustive]
pub enum Program {
    Ack,
    Chargen,
    Chat,
    Discard,
    Echo,
    Greeting,
    Http,
    Inbox,
    Thanks,
    Upper,
}

/// An entry in [`APPS`]: the properties of one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct App {
    /// The program.
    pub program: Program,
    /// The program's name on the command line.
    pub name: &'static str,
    /// The port of the TCP server, if the program has one.
    pub tcp: Option<u16>,
    /// The port of the UDP server, if the program has one.
    pub udp: Option<u16>,
    /// The sizes of the buffers that the UDP server needs for a received datagram and for an answer, in bytes.
    ///
    /// The sizes apply to the default options. `usize::MAX` means the longest possible datagram.
    pub udp_room: (usize, usize),
    /// Whether the program needs more flash and memory than the smallest firmware has.
    pub large: bool,
}

/// All programs.
pub const APPS: [App; 10] = [
    App::new("greeting", Some(9999), Some(9999), Program::Greeting),
    App::new("echo", Some(7), Some(7), Program::Echo),
    App::new("discard", Some(9), Some(9), Program::Discard).udp_room(0, 0),
    App::new("chargen", Some(19), None, Program::Chargen),
    App::new("ack", Some(9998), None, Program::Ack),
    App::new("thanks", Some(8080), Some(8081), Program::Thanks).udp_room(usize::MAX, thanks::REPLY.len()),
    App::new("upper", Some(14000), None, Program::Upper),
    App::new("chat", Some(9000), Some(9000), Program::Chat).large(),
    App::new("inbox", None, Some(9997), Program::Inbox).udp_room(usize::MAX, 0),
    App::new("http", Some(80), None, Program::Http).large(),
];

impl Program {
    /// Returns the program's entry in [`APPS`].
    pub const fn app(self) -> App {
        let mut at = 0;
        // A `const fn` cannot compare programs with `==`. Each program has an entry, so the loop ends.
        while APPS[at].program as u8 != self as u8 {
            at += 1;
        }
        APPS[at]
    }

    /// Describes the program in one line. The text is not part of [`App`], so firmware that does not show the text
    /// needs no flash for the text.
    pub fn summary(self) -> &'static str {
        match self {
            Program::Ack => "prints one message, replies ACK, closes",
            Program::Chargen => "sends characters without end",
            Program::Chat => "lets people exchange lines of text in pairs or in one room",
            Program::Discard => "discards its input",
            Program::Echo => "sends its input back",
            Program::Greeting => "greets: Welcome!, then Hello,NAME! for each message until exit",
            Program::Http => "shows the stack's work in a browser",
            Program::Inbox => "prints each datagram and its sender",
            Program::Thanks => "prints a message and replies thank you !",
            Program::Upper => "prints one message, sends it back in upper case, closes",
        }
    }
}

/// Returns the entry of the program called `name`.
pub fn find(name: &str) -> Option<App> {
    APPS.into_iter().find(|app| app.name == name)
}

impl App {
    const fn new(name: &'static str, tcp: Option<u16>, udp: Option<u16>, program: Program) -> Self {
        App { program, name, tcp, udp, udp_room: (usize::MAX, usize::MAX), large: false }
    }

    const fn large(self) -> Self {
        App { large: true, ..self }
    }

    const fn udp_room(self, receive: usize, send: usize) -> Self {
        App { udp_room: (receive, send), ..self }
    }

    /// Returns whether the TCP server closes a connection after one message.
    pub fn takes_one_message(&self) -> bool {
        matches!(self.program, Program::Ack | Program::Thanks | Program::Upper)
    }

    /// Creates a session that serves one TCP connection.
    ///
    /// Returns `None` if this program has no TCP server, or if it is http and `options` has no status.
    pub fn server<'a>(&self, options: &Options<'a>) -> Option<Server<'a>> {
        match self.program {
            Program::Chat => Some(Server::Chat(chat::Server::new(options))),
            Program::Http => Some(Server::Http(http::Server::new(options.status?))),
            _ => self.basic_server(options).map(Server::Basic),
        }
    }

    /// Creates a TCP server for the smallest firmware. Returns `None` if this program has no TCP server or is
    /// [`large`](field@App::large).
    pub fn basic_server<'a>(&self, options: &Options<'a>) -> Option<Basic<'a>> {
        Some(match self.program {
            Program::Ack => Basic::Single(ack::server()),
            Program::Chargen => Basic::Chargen(chargen::Server::default()),
            Program::Discard => Basic::Discard(discard::Server),
            Program::Echo => Basic::Echo(echo::Server),
            Program::Greeting => Basic::Greeting(greeting::Server::new(options)),
            Program::Thanks => Basic::Single(thanks::server()),
            Program::Upper => Basic::Upper(upper::Server::default()),
            Program::Chat | Program::Http | Program::Inbox => return None,
        })
    }

    /// Creates a session that serves a UDP port.
    ///
    /// Returns `None` if this program has no UDP server, or if it is chat and `options` has no operator.
    pub fn udp_server<'a>(&self, options: &Options<'a>) -> Option<UdpServer<'a>> {
        match self.program {
            Program::Chat => Some(UdpServer::Chat(chat::UdpServer::new(options.operator?))),
            _ => self.basic_udp_server(options).map(UdpServer::Basic),
        }
    }

    /// Creates a UDP server for the smallest firmware. Returns `None` if this program has no UDP server or is
    /// [`large`](field@App::large).
    pub fn basic_udp_server<'a>(&self, options: &Options<'a>) -> Option<BasicUdp<'a>> {
        Some(Respond::new(match self.program {
            Program::Discard => UdpProgram::Discard(discard::Datagrams),
            Program::Echo => UdpProgram::Echo(echo::Datagrams),
            Program::Greeting => UdpProgram::Greeting(greeting::Datagrams::new(options)),
            Program::Inbox => UdpProgram::Inbox(inbox::Server::new(options)),
            Program::Thanks => UdpProgram::Thanks(thanks::Datagrams),
            Program::Ack | Program::Chargen | Program::Chat | Program::Http | Program::Upper => return None,
        }))
    }

    /// Creates the client of one TCP connection. Returns `None` if this program has no TCP server or is http.
    pub fn client<'a>(&self, options: &ClientOptions<'a>) -> Option<Client<'a>> {
        let program = match self.program {
            Program::Ack | Program::Thanks | Program::Upper => ClientPrograms::Single(single::Client::default()),
            Program::Chargen => ClientPrograms::Chargen(chargen::Client::new(options.bytes)),
            Program::Chat => ClientPrograms::Chat(chat::Client::default()),
            Program::Discard => ClientPrograms::Discard(discard::Client::new(options)),
            Program::Echo => ClientPrograms::Echo(echo::Client::new(options)),
            Program::Greeting => ClientPrograms::Greeting(greeting::Client::default()),
            Program::Http | Program::Inbox => return None,
        };
        Some(Client::new(options, program))
    }

    /// Creates a client of this program's UDP server at `remote`. Returns `None` if this program has no UDP server.
    pub fn udp_client<'a>(&self, options: &ClientOptions<'a>, remote: IpEndpoint) -> Option<UdpClient<'a>> {
        let asker = |replies| UdpClient::Asker(udp_client::Asker::new(options, remote, replies));
        match self.program {
            Program::Chat => Some(UdpClient::Chat(chat::UdpClient::new(options, remote))),
            Program::Discard => Some(asker(false)),
            Program::Echo | Program::Greeting | Program::Inbox | Program::Thanks => Some(asker(true)),
            Program::Ack | Program::Chargen | Program::Http | Program::Upper => None,
        }
    }
}

/// The options of all servers. With the defaults, the servers behave as docs/cli.md describes.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options<'a> {
    /// greeting: the reply.
    pub template: Option<Template<'a>>,
    /// greeting over TCP: the wait before each reply.
    pub delay: Duration,
    /// inbox: whether to stop after one datagram.
    pub once: bool,
    /// inbox: the answer, if any.
    pub reply: Option<&'a [u8]>,
    /// http: the status to show. The status must be the [`Probe`](crate::stack::Probe) of the same stack.
    pub status: Option<&'a Status<'a>>,
    /// chat: the operator, who answers partners at the console.
    pub operator: Option<&'a Operator>,
    /// chat: the room in which all partners talk with each other.
    pub room: Option<&'a Room<'a>>,
}

crate::sessions! {
    /// The server side of one TCP connection.
    #[derive(Clone, Debug)]
    pub enum Server<'a> {
        /// Every program except chat and http.
        Basic(Basic<'a>),
        /// chat.
        Chat(chat::Server<'a>),
        /// http.
        Http(http::Server<'a>),
    }
}

crate::sessions! {
    /// The server side of one TCP connection, for programs that are not [`large`](field@App::large).
    #[derive(Clone, Debug)]
    pub enum Basic<'a> {
        /// chargen.
        Chargen(chargen::Server),
        /// discard.
        Discard(discard::Server),
        /// echo.
        Echo(echo::Server),
        /// greeting.
        Greeting(greeting::Server<'a>),
        /// ack and thanks.
        Single(single::Server),
        /// upper.
        Upper(upper::Server),
    }
}

crate::udp_sessions! {
    /// The server on one UDP port. The server answers a datagram only if [`Context::may_answer`] allows the answer.
    #[derive(Clone, Debug)]
    pub enum UdpServer<'a> {
        /// Every program except chat.
        Basic(BasicUdp<'a>),
        /// chat.
        Chat(chat::UdpServer<'a>),
    }
}

/// The server on one UDP port, for programs that are not [`large`](field@App::large).
pub type BasicUdp<'a> = Respond<UdpProgram<'a>>;

/// The program of a UDP server. An answer that does not fit into the reply buffer is dropped.
#[derive(Clone, Debug)]
pub enum UdpProgram<'a> {
    /// discard.
    Discard(discard::Datagrams),
    /// echo.
    Echo(echo::Datagrams),
    /// greeting.
    Greeting(greeting::Datagrams<'a>),
    /// inbox.
    Inbox(inbox::Server<'a>),
    /// thanks.
    Thanks(thanks::Datagrams),
}

impl Responder for UdpProgram<'_> {
    const PORTS: usize = 5;

    fn datagram(&mut self, from: udp::UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer {
        match self {
            UdpProgram::Discard(server) => server.datagram(from, data, reply, cx),
            UdpProgram::Echo(server) => server.datagram(from, data, reply, cx),
            UdpProgram::Greeting(server) => server.datagram(from, data, reply, cx),
            UdpProgram::Inbox(server) => server.datagram(from, data, reply, cx),
            UdpProgram::Thanks(server) => server.datagram(from, data, reply, cx),
        }
    }
}

/// The program of a [`Client`], chosen at run time.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub enum ClientPrograms {
    /// chargen.
    Chargen(chargen::Client),
    /// chat.
    Chat(chat::Client),
    /// discard.
    Discard(discard::Client),
    /// echo.
    Echo(echo::Client),
    /// greeting.
    Greeting(greeting::Client),
    /// ack, thanks and upper.
    Single(single::Client),
}

/// Calls a method of the chosen program.
macro_rules! forward {
    ($programs:expr, $method:ident($($argument:expr),*)) => {
        match $programs {
            ClientPrograms::Chargen(client) => client.$method($($argument),*),
            ClientPrograms::Chat(client) => client.$method($($argument),*),
            ClientPrograms::Discard(client) => client.$method($($argument),*),
            ClientPrograms::Echo(client) => client.$method($($argument),*),
            ClientPrograms::Greeting(client) => client.$method($($argument),*),
            ClientPrograms::Single(client) => client.$method($($argument),*),
        }
    };
}

#[deny(clippy::missing_trait_methods)]
impl ClientProgram for ClientPrograms {
    fn prompt(&self) -> Option<&'static str> {
        forward!(self, prompt())
    }

    fn poll(&mut self, run: &mut Run<'_>, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        forward!(self, poll(run, socket, cx))
    }

    fn shut_down(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) {
        forward!(self, shut_down(socket, cx))
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        forward!(self, ended(end, cx))
    }
}
