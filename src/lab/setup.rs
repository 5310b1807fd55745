//! Everything that determines a run.

use core::fmt;

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{Act, Actor, Deed, Faults, Happening, Lab, Line, MAX_DEEDS, MAX_FAULTS, START, Script, UdpActor, address};
use crate::app::{App, ClientOptions, Options, Program};
use crate::lab::Fault;
use crate::stack::{Console, ListenError, Listener, Memory, SetupError};

/// How many TCP ports and how many UDP programs a run can have.
pub const MAX_SERVED: usize = 4;

/// How long a connection may take to be established.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that determines a run: the same set-up gives the same run.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The wire.
    pub line: Line,
    /// What goes wrong on it.
    pub faults: Faults,
    /// For sequence numbers, ports, and what is lost at random.
    pub seed: u64,
    /// How long an acknowledgement may wait for data to travel with; none is at once.
    pub ack_delay: Option<Duration>,
    /// Whether small segments wait for the acknowledgement of earlier ones.
    pub nagle: bool,
    /// How long a peer may be silent; keep-alive probes are sent four times in it.
    pub idle_timeout: Duration,
    /// The run is stopped when it is so old in virtual time.
    pub limit: Duration,
    /// The run is stopped after so many steps.
    pub steps: u32,
    /// The buffers of the client's and of the server's connections; further hosts have the client's.
    pub buffers: [Buffers; 2],
    /// What the server listens for.
    pub listeners: heapless::Vec<Listener<Actor<'a>>, MAX_SERVED>,
    /// UDP programs: the host, the port or 0 for any, and the program.
    pub udp: heapless::Vec<(usize, u16, UdpActor<'a>), MAX_SERVED>,
    /// What happens, and when after the start.
    pub agenda: heapless::Vec<(Duration, Deed<Actor<'a>>), MAX_DEEDS>,
}

/// The buffers of each connection, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// What a peer may send ahead of the program.
    pub receive: usize,
    /// What may be sent ahead of the acknowledgement.
    pub send: usize,
}

/// How many connections each host has room for.
pub const CONNECTIONS: usize = 8;

impl Default for Buffers {
    fn default() -> Self {
        Buffers { receive: 8192, send: 8192 }
    }
}

impl Default for Setup<'_> {
    /// A perfect wire between two hosts that do nothing; at most 10 minutes and a million steps.
    fn default() -> Self {
        Setup {
            line: Line::default(),
            faults: Faults::default(),
            seed: 7,
            ack_delay: Some(Duration::from_millis(10)),
            nagle: false,
            idle_timeout: Duration::from_secs(300),
            limit: Duration::from_secs(600),
            steps: 1_000_000,
            buffers: [Buffers::default(); 2],
            listeners: heapless::Vec::new(),
            udp: heapless::Vec::new(),
            agenda: heapless::Vec::new(),
        }
    }
}

/// Why there is no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The program has no server and client of this kind, on TCP or on UDP, that run without a link.
    NoServer {
        /// The program.
        app: &'static str,
        /// Whether UDP was asked for.
        udp: bool,
    },
    /// A port cannot be served.
    Listen(ListenError),
    /// A stack cannot be set up.
    Stack(SetupError),
    /// More listeners, programs or deeds than there is room for, or a host that is not there.
    TooMany,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NoServer { app, udp: true } => {
                write!(f, "{app} has no UDP side that runs by itself: leave --udp out")
            }
            StartError::NoServer { app, udp: false } => {
                write!(f, "{app} has no client or server to run by itself: serve it on a link")
            }
            StartError::Listen(error) => error.fmt(f),
            StartError::Stack(error) => error.fmt(f),
            StartError::TooMany => f.write_str("too many programs, calls or hosts"),
        }
    }
}

impl core::error::Error for StartError {}

impl<'a> Setup<'a> {
    /// A program's server and its client with these texts; on UDP if `udp` says so or the program knows nothing else.
    ///
    /// A program that takes one message a connection is called once a text, a second apart.
    ///
    /// # Errors
    /// [`StartError`]: the program has no such side, or there are more texts than calls can be planned.
    pub fn program(app: &App, texts: &'a [&'a [u8]], udp: bool) -> Result<Self, StartError> {
        let setup = Setup::default();
        let options = ClientOptions { texts, ..ClientOptions::default() };
        match app.tcp {
            Some(port) if !udp => setup.tcp(app, port, &options),
            _ => setup.datagrams(app, &options),
        }
    }

    fn tcp(mut self, app: &App, port: u16, options: &ClientOptions<'a>) -> Result<Self, StartError> {
        let missing = StartError::NoServer { app: app.name, udp: false };
        let server = app.server(&Options::default()).ok_or(missing)?;
        let listener = Listener::new(port, Actor::Server(server));
        self.listeners.push(listener).map_err(|_| StartError::TooMany)?;
        let each = if app.takes_one_message() { 1 } else { options.texts.len().max(1) };
        // chargen ends when its client has had enough.
        let options = ClientOptions { bytes: if app.program == Program::Chargen { 2000 } else { 0 }, ..*options };
        let calls = options.texts.len().div_ceil(each).max(1);
        for call in 0..calls {
            let texts = options.texts.chunks(each).nth(call).unwrap_or_default();
            let client = app.client(&ClientOptions { texts, ..options }).ok_or(missing)?;
            let at = Duration::from_secs(call as u64);
            self.agenda.push((at, calling(port, Actor::Client(client)))).map_err(|_| StartError::TooMany)?;
        }
        Ok(self)
    }

    fn datagrams(mut self, app: &App, options: &ClientOptions<'a>) -> Result<Self, StartError> {
        let missing = StartError::NoServer { app: app.name, udp: true };
        let port = app.udp.ok_or(missing)?;
        let server = app.udp_server(&Options::default()).ok_or(missing)?;
        // inbox never replies.
        let no_wait = app.program == Program::Inbox;
        let options = ClientOptions { no_wait, timeout: Some(Duration::from_secs(5)), ..*options };
        let client = app.udp_client(&options, IpEndpoint::new(address(1), port)).ok_or(missing)?;
        self.udp.push((1, port, UdpActor::Server(server))).map_err(|_| StartError::TooMany)?;
        self.udp.push((0, 0, UdpActor::Client(client))).map_err(|_| StartError::TooMany)?;
        Ok(self)
    }

    /// A client and a server that follow scripts, on port 7000.
    pub fn scripts(client: &'a [Act<'a>], server: &'a [Act<'a>]) -> Self {
        let mut setup = Setup::default().listening(server);
        setup.call(Duration::ZERO, client);
        setup
    }

    /// The same server, on port 7000, and no client.
    pub fn listening(mut self, server: &'a [Act<'a>]) -> Self {
        let _ = self.listeners.push(Listener::new(SCRIPT_PORT, Actor::Script(Script::new(server))));
        self
    }

    /// Has the client call port 7000 of the server after a time, and follow a script; the ninth deed of a run is left out.
    pub fn call(&mut self, after: Duration, client: &'a [Act<'a>]) {
        let _ = self.agenda.push((after, calling(SCRIPT_PORT, Actor::Script(Script::new(client)))));
    }

    /// Has something happen to a host; the ninth deed of a run is left out.
    pub fn happen(&mut self, after: Duration, host: usize, what: Happening) {
        let _ = self.agenda.push((after, Deed::Happen(host, what)));
    }

    /// The same set-up with these faults. Words that are no fault are left out, and so is what goes beyond [`MAX_FAULTS`].
    pub fn with_faults(mut self, faults: &[&str]) -> Self {
        for words in faults.iter().take(MAX_FAULTS) {
            if let Ok(fault) = Fault::parse(words, |_| None) {
                self.faults.add(fault);
            }
        }
        self
    }

    /// The buffers of a host's connections.
    pub fn buffers_of(&self, host: usize) -> Buffers {
        self.buffers[usize::from(host == 1)]
    }

    /// Sets the hosts up, in memory of the sizes that [`buffers_of`](Self::buffers_of) asks for; nothing has happened yet.
    ///
    /// # Errors
    /// [`StartError`] says what cannot be.
    pub fn start<C: Console, const N: usize, const R: usize>(
        &self,
        memory: [(Memory<'a, Actor<'a>, UdpActor<'a>>, C); N],
    ) -> Result<SetupLab<'a, C, N, R>, StartError> {
        // A match moves the lab less often than map_err does: unoptimized, each move is 200 kB of stack.
        let made = Lab::new(self.line, self.faults.clone(), self.seed, memory, |_, config| {
            config.tcp.ack_delay = self.ack_delay;
            config.tcp.nagle = self.nagle;
            config.tcp.idle_timeout = self.idle_timeout;
        });
        let mut lab = match made {
            Ok(lab) => lab,
            Err(error) => return Err(StartError::Stack(error)),
        };
        for listener in &self.listeners {
            lab.hosts[1].stack.listen(listener.clone()).map_err(StartError::Listen)?;
        }
        for (host, port, session) in &self.udp {
            let host = lab.hosts.get_mut(*host).ok_or(StartError::TooMany)?;
            host.stack.bind(*port, session.clone()).map_err(StartError::Listen)?;
        }
        for (after, deed) in &self.agenda {
            if !lab.plan(START + *after, deed.clone()) {
                return Err(StartError::TooMany);
            }
        }
        Ok(lab)
    }
}

/// The lab that a [`Setup`] makes.
pub type SetupLab<'a, C, const N: usize, const R: usize> = Lab<'a, Actor<'a>, UdpActor<'a>, C, N, R>;

/// The port of scripted servers.
pub const SCRIPT_PORT: u16 = 7000;

fn calling<'a>(port: u16, session: Actor<'a>) -> Deed<Actor<'a>> {
    Deed::Call { host: 0, port: 0, remote: IpEndpoint::new(address(1), port), session, patience: PATIENCE }
}
