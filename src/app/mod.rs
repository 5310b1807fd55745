//! The programs: one file each, its server and its client side by side.
//!
//! A program is written against a smoltcp socket and never sees a device, a clock or an allocator. On TCP it works with a send
//! buffer of 16 bytes or more and a receive buffer of 64 or more. [`APPS`] lists the programs; an [`App`] makes the sessions.

use smoltcp::socket::{tcp, udp};
use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use crate::stack::{Answer, Console, Context, End, Next, Respond, Responder, Session, UdpSession};

mod ack;
mod budget;
mod chargen;
mod chat;
mod client;
mod discard;
mod echo;
mod escape;
mod greeting;
mod http;
#[doc(hidden)]
pub mod http_client;
mod inbox;
mod input;
mod message;
mod single;
mod text;
mod thanks;
mod timing;
mod udp_client;
mod upper;

#[cfg(all(test, feature = "std"))]
mod tests;

#[doc(hidden)]
pub use budget::BUDGET;
pub use chat::{Desk, Room};
pub use client::{ClientOptions, Failure};
pub use echo::{Datagrams as EchoDatagrams, Server as Echo};
pub use escape::Escape;
pub use greeting::{Template, TemplateError};
pub use http::{Row, Service, Status, Transport};
#[cfg(feature = "cli")]
pub(crate) use input::{CONSOLE, PROMPT};
#[cfg(feature = "cli")]
pub(crate) use text::{is_invisible, split_line_end};
pub use udp_client::UdpClient;

/// A program by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its TCP port, if it has a TCP server.
    pub tcp: Option<u16>,
    /// Its UDP port, if it has a UDP server.
    pub udp: Option<u16>,
    /// The longest datagram that its UDP server looks at and its longest answer with the default options, in bytes;
    /// `usize::MAX` is as long as a datagram can be.
    pub udp_room: (usize, usize),
    /// Whether it takes more flash and memory than the smallest firmware has.
    pub large: bool,
    /// What it does, in one line.
    pub summary: &'static str,
}

/// All programs.
pub const APPS: [App; 10] = [
    App::new("greeting", Some(9999), Some(9999), "greets: Welcome!, then Hello,NAME! for each message until exit"),
    App::new("echo", Some(7), Some(7), "sends back what comes"),
    App::new("discard", Some(9), Some(9), "throws away what comes").udp_room(0, 0),
    App::new("chargen", Some(19), None, "sends characters without end"),
    App::new("ack", Some(9998), None, "prints one message, replies ACK, closes"),
    App::new("thanks", Some(8080), Some(8081), "prints a message and replies thank you !")
        .udp_room(usize::MAX, thanks::REPLY.len()),
    App::new("upper", Some(14000), None, "prints one message, sends it back in upper case, closes"),
    App::new("chat", Some(9000), Some(9000), "lets people talk by lines: one at a time, or all in a room").large(),
    App::new("inbox", None, Some(9997), "prints each datagram and its sender").udp_room(usize::MAX, 0),
    App::new("http", Some(80), None, "shows in a browser what this stack does").large(),
];

/// The program of this name.
pub fn find(name: &str) -> Option<App> {
    APPS.into_iter().find(|app| app.name == name)
}

impl App {
    const fn new(name: &'static str, tcp: Option<u16>, udp: Option<u16>, summary: &'static str) -> Self {
        App { name, tcp, udp, udp_room: (usize::MAX, usize::MAX), large: false, summary }
    }

    const fn large(self) -> Self {
        App { large: true, ..self }
    }

    const fn udp_room(self, receive: usize, send: usize) -> Self {
        App { udp_room: (receive, send), ..self }
    }

    /// Whether its TCP server takes one message a connection, and then closes.
    pub fn takes_one_message(&self) -> bool {
        matches!(self.name, "ack" | "thanks" | "upper")
    }

    /// A session that serves one TCP connection; `None` if this program has no TCP server, or is http and `options` have no
    /// status.
    pub fn server<'a>(&self, options: &Options<'a>) -> Option<Server<'a>> {
        match self.name {
            "chat" => Some(Server::Chat(chat::Server::new(options))),
            "http" => Some(Server::Http(http::Server::new(options.status?))),
            _ => self.basic_server(options).map(Server::Basic),
        }
    }

    /// The same for the smallest firmware: `None` for a program that is [`large`](field@Self::large).
    pub fn basic_server<'a>(&self, options: &Options<'a>) -> Option<Basic<'a>> {
        Some(match self.name {
            "ack" => Basic::Single(ack::server()),
            "chargen" => Basic::Chargen(chargen::Server::default()),
            "discard" => Basic::Discard(discard::Server),
            "echo" => Basic::Echo(echo::Server),
            "greeting" => Basic::Greeting(greeting::Server::new(options)),
            "thanks" => Basic::Single(thanks::server()),
            "upper" => Basic::Upper(upper::Server::default()),
            _ => return None,
        })
    }

    /// A session that serves a UDP port; `None` if this program has no UDP server, or is chat without somebody at a desk.
    pub fn udp_server<'a>(&self, options: &Options<'a>) -> Option<UdpServer<'a>> {
        match self.name {
            "chat" => Some(UdpServer::Chat(chat::UdpServer::new(options.desk?))),
            _ => self.basic_udp_server(options).map(UdpServer::Basic),
        }
    }

    /// The same for the smallest firmware: `None` for a program that is [`large`](field@Self::large).
    pub fn basic_udp_server<'a>(&self, options: &Options<'a>) -> Option<BasicUdp<'a>> {
        Some(Respond::new(match self.name {
            "discard" => UdpProgram::Discard,
            "echo" => UdpProgram::Echo,
            "greeting" => UdpProgram::Greeting(options.template),
            "inbox" => UdpProgram::Inbox(inbox::Server::new(options)),
            "thanks" => UdpProgram::Thanks,
            _ => return None,
        }))
    }

    /// A session that is the client on one TCP connection; `None` if this program has no TCP server to call.
    pub fn client<'a>(&self, options: &ClientOptions<'a>) -> Option<Client<'a>> {
        let mut run = client::Run::new(options);
        let program = match self.name {
            "ack" => Program::Single(ack::client()),
            "chargen" => Program::Chargen(chargen::Client::new(options.bytes)),
            "chat" => {
                run.input = input::Input::with_prompt(options.texts, chat::PROMPT).with_dash(options.dash);
                Program::Chat(chat::Client::new())
            }
            "discard" => Program::Discard(discard::Client::new(options)),
            "echo" => Program::Echo(echo::Client::new(&run)),
            "greeting" => Program::Greeting(greeting::Client::new()),
            "thanks" => Program::Single(thanks::client()),
            "upper" => Program::Single(upper::client()),
            _ => return None,
        };
        Some(Client { run, program })
    }

    /// A session that asks the UDP server at `remote`; `None` if this program has no UDP server to ask.
    pub fn udp_client<'a>(&self, options: &ClientOptions<'a>, remote: IpEndpoint) -> Option<UdpClient<'a>> {
        self.udp.map(|_| match self.name {
            "chat" => UdpClient::Chat(chat::UdpClient::new(options, remote)),
            name => UdpClient::Asker(udp_client::Asker::new(options, remote, name != "discard")),
        })
    }
}

/// What a server is told on the command line. The default is a server as docs/cli.md describes it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options<'a> {
    /// greeting: what to reply.
    pub template: Option<Template<'a>>,
    /// greeting over TCP: how long to wait before each reply.
    pub delay: Duration,
    /// inbox: end after one datagram.
    pub once: bool,
    /// inbox: what to answer, if anything.
    pub reply: Option<&'a [u8]>,
    /// http: what to show. It is to be a probe of the same stack.
    pub status: Option<&'a Status<'a>>,
    /// chat: where the person sits who answers.
    pub desk: Option<&'a Desk>,
    /// chat: a room where all talk with each other.
    pub room: Option<&'a Room<'a>>,
}

/// The server side of one TCP connection.
#[derive(Clone, Debug)]
pub enum Server<'a> {
    /// Any but these.
    Basic(Basic<'a>),
    /// chat.
    Chat(chat::Server<'a>),
    /// http.
    Http(http::Server<'a>),
}

impl Session for Server<'_> {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Server::Basic(server) => server.poll(socket, cx),
            Server::Chat(server) => server.poll(socket, cx),
            Server::Http(server) => server.poll(socket, cx),
        }
    }

    fn shut_down(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) {
        if let Server::Chat(server) = self {
            server.shut_down(socket, cx);
        }
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        match self {
            Server::Basic(server) => server.ended(end, cx),
            Server::Chat(server) => server.ended(end, cx),
            Server::Http(server) => server.ended(end, cx),
        }
    }
}

/// The server side of one TCP connection, of the programs that are not [`large`](field@App::large).
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

impl Session for Basic<'_> {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Basic::Chargen(server) => server.poll(socket, cx),
            Basic::Discard(server) => server.poll(socket, cx),
            Basic::Echo(server) => server.poll(socket, cx),
            Basic::Greeting(server) => server.poll(socket, cx),
            Basic::Single(server) => server.poll(socket, cx),
            Basic::Upper(server) => server.poll(socket, cx),
        }
    }
}

/// The server on one UDP port. It answers only what may be answered: see [`Context::may_answer`].
#[derive(Clone, Debug)]
pub enum UdpServer<'a> {
    /// chat.
    Chat(chat::UdpServer<'a>),
    /// All others.
    Basic(BasicUdp<'a>),
}

impl UdpSession for UdpServer<'_> {
    fn poll(&mut self, socket: &mut udp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            UdpServer::Chat(server) => server.poll(socket, cx),
            UdpServer::Basic(server) => server.poll(socket, cx),
        }
    }

    fn unreachable(&mut self) {
        if let UdpServer::Chat(server) = self {
            server.unreachable();
        }
    }
}

/// The server on one UDP port, of the programs that are not [`large`](field@App::large).
pub type BasicUdp<'a> = Respond<UdpProgram<'a>>;

/// What a UDP server answers. An answer that is longer than can be sent is not sent.
#[derive(Clone, Debug)]
pub enum UdpProgram<'a> {
    /// discard.
    Discard,
    /// echo.
    Echo,
    /// greeting.
    Greeting(Option<Template<'a>>),
    /// inbox.
    Inbox(inbox::Server<'a>),
    /// thanks.
    Thanks,
}

impl Responder for UdpProgram<'_> {
    fn datagram(&mut self, from: udp::UdpMetadata, data: &[u8], reply: &mut [u8], console: &mut dyn Console) -> Answer {
        match self {
            UdpProgram::Discard => Answer::Silence,
            UdpProgram::Echo => echo::datagram(data, reply),
            UdpProgram::Greeting(template) => greeting::datagram(*template, data, reply),
            UdpProgram::Inbox(server) => server.datagram(from, data, reply, console),
            UdpProgram::Thanks => thanks::datagram(from, data, reply, console),
        }
    }
}

/// The client side of one TCP connection.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    run: client::Run<'a>,
    program: Program,
}

/// What the client does.
#[derive(Clone, Debug)]
enum Program {
    Chargen(chargen::Client),
    Chat(chat::Client),
    Discard(discard::Client),
    Echo(echo::Client),
    Greeting(greeting::Client),
    Single(single::Client),
}

impl Client<'_> {
    /// How it went, once the client is done: the connection is over, or nothing more is to be waited for.
    pub fn result(&self) -> Option<Result<(), Failure>> {
        self.run.result()
    }
}

impl Session for Client<'_> {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match &mut self.program {
            Program::Chargen(client) => client.poll(&mut self.run, socket, cx),
            Program::Chat(client) => client.poll(&mut self.run, socket, cx),
            Program::Discard(client) => client.poll(&mut self.run, socket, cx),
            Program::Echo(client) => client.poll(&mut self.run, socket, cx),
            Program::Greeting(client) => client.poll(&mut self.run, socket, cx),
            Program::Single(client) => client.poll(&mut self.run, socket, cx),
        }
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        if let Program::Chat(client) = &mut self.program {
            client.ended(cx.console);
        }
        self.run.ended(end);
    }
}
