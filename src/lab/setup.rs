//! The settings that determine a run.

use core::fmt;

use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{
    Faults, HostEvent, Lab, Line, MAX_FAULTS, MAX_SCHEDULED, Moment, Peer, START, Scheduled, Script, ScriptStep,
    UdpPeer, address, router,
};
use crate::app::{App, ClientOptions, Options, Program};
use crate::lab::Fault;
#[cfg(feature = "recovery")]
use crate::stack::Congestion;
use crate::stack::{Config, Console, ListenError, Listener, Memory, PROBES, SetupError};

/// The maximum number of TCP listeners in a run, and of UDP programs.
pub const MAX_SERVED: usize = 4;

/// The time limit for the handshake of a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// All settings of a run. The same set-up gives the same run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup<'a> {
    /// The properties of the wire.
    pub line: Line,
    /// The faults that the wire makes.
    pub faults: Faults,
    /// The seed for sequence numbers, ports and random losses.
    pub seed: u64,
    /// The longest time for which an ACK waits for data that can carry the ACK, or `None` to send each ACK at once.
    pub ack_delay: Option<Duration>,
    /// Whether small segments wait until earlier segments are acknowledged (Nagle's algorithm).
    pub nagle: bool,
    /// The congestion control of both hosts.
    #[cfg(feature = "recovery")]
    pub congestion: Congestion,
    /// The initial sequence numbers of the client's and the server's connections. Further hosts use the client's
    /// number. `None` means numbers that are computed as in RFC 6528.
    #[cfg(feature = "recovery")]
    pub isn: [Option<u32>; 2],
    /// The window scale of both hosts, or `None` for the smallest scale that covers the receive buffer.
    #[cfg(feature = "recovery")]
    pub window_scale: Option<u8>,
    /// The longest time for which a peer can be silent before its connection ends. The stack sends four keep-alive
    /// probes in that time.
    pub idle_timeout: Duration,
    /// The time between two keep-alive probes. After four probes without an answer, the connection ends. `None` means a
    /// quarter of `idle_timeout`.
    pub keep_alive: Option<Duration>,
    /// The number of copies of each client call. Each copy has its own local port.
    pub clients: usize,
    /// The number of SYNs from forged addresses that the server receives, one each millisecond. The SYNs come through
    /// the router.
    pub flood: u32,
    /// The run stops after this virtual time.
    pub limit: Duration,
    /// The run stops after this many steps.
    pub steps: u32,
    /// The buffer sizes of the client's and the server's connections. Further hosts use the client's sizes.
    pub buffers: [Buffers; 2],
    /// The server's listeners.
    pub listeners: heapless::Vec<Listener<Peer<'a>>, MAX_SERVED>,
    /// The UDP programs: the host, its port (0 means any free port), and the program.
    pub udp: heapless::Vec<(usize, u16, UdpPeer<'a>), MAX_SERVED>,
    /// The scheduled events, each with its time since the start.
    pub agenda: heapless::Vec<(Moment, Scheduled<Peer<'a>>), MAX_SCHEDULED>,
}

/// The sizes of a connection's buffers, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// The receive buffer: how much the peer can send before the program reads.
    pub receive: usize,
    /// The send buffer: how much the program can write before the peer acknowledges.
    pub send: usize,
}

/// The number of connections of each host.
pub const CONNECTIONS: usize = 8;

impl Default for Buffers {
    fn default() -> Self {
        Buffers { receive: 8192, send: 8192 }
    }
}

impl Default for Setup<'_> {
    /// Returns a perfect wire between two idle hosts, for at most 10 minutes and a million steps.
    fn default() -> Self {
        Setup {
            line: Line::default(),
            faults: Faults::default(),
            seed: 7,
            ack_delay: Some(Duration::from_millis(10)),
            nagle: false,
            #[cfg(feature = "recovery")]
            congestion: Congestion::Cubic,
            #[cfg(feature = "recovery")]
            isn: [None; 2],
            #[cfg(feature = "recovery")]
            window_scale: None,
            idle_timeout: Duration::from_secs(300),
            keep_alive: None,
            clients: 1,
            flood: 0,
            limit: Duration::from_secs(600),
            steps: 1_000_000,
            buffers: [Buffers::default(); 2],
            listeners: heapless::Vec::new(),
            udp: heapless::Vec::new(),
            agenda: heapless::Vec::new(),
        }
    }
}

/// Why a run could not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The program has no client or server for this protocol that can run in the lab.
    NoServer {
        /// The program.
        app: &'static str,
        /// Whether UDP was requested.
        udp: bool,
    },
    /// A program could not listen on a port.
    Listen(ListenError),
    /// A stack could not be set up.
    Stack(SetupError),
    /// There are too many listeners, programs or events, or a host does not exist.
    TooMany,
    /// A receive buffer is so small that the window would be closed most of the time with this window scale.
    WindowScale(u8),
}

impl fmt::Display for StartError {
    /// Writes why the run cannot start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NoServer { app, udp: true } => {
                write!(f, "{app} has no UDP side that the lab can run: leave --udp out")
            }
            StartError::NoServer { app, udp: false } => {
                write!(f, "{app} has no client or server that the lab can run: serve it on a link")
            }
            StartError::Listen(error) => error.fmt(f),
            StartError::Stack(error) => error.fmt(f),
            StartError::TooMany => {
                f.write_str("too many programs, calls or hosts: a run has at most 8 calls and events")
            }
            StartError::WindowScale(scale) => {
                write!(f, "a window scale of {scale} needs receive buffers of at least {} bytes", 4u32 << scale)
            }
        }
    }
}

impl core::error::Error for StartError {}

impl<'a> Setup<'a> {
    /// Returns the number of calls and events of the run, which is limited to [`MAX_SCHEDULED`]. Each client makes its
    /// own copy of the client's calls, and a flood is one more event.
    #[cfg(feature = "alloc")]
    pub(super) fn scheduled(&self) -> usize {
        let calls = self.agenda.iter().filter(|(_, what)| matches!(what, Scheduled::Call { host: 0, .. })).count();
        self.agenda.len() - calls + calls * self.clients + usize::from(self.flood > 0)
    }

    /// Makes a run of a program's server and its client, which sends `texts`.
    ///
    /// The run uses UDP if `udp` is set or the program has no TCP server. If the program handles one message per
    /// connection, the client opens one connection for each text, a second apart.
    ///
    /// # Errors
    /// [`StartError`]: the program has no such client or server, or there are too many texts.
    pub fn program(app: &App, texts: &'a [&'a [u8]], udp: bool) -> Result<Self, StartError> {
        let setup = Setup::default();
        let options = ClientOptions { texts, ..ClientOptions::default() };
        match app.tcp {
            Some(port) if !udp => setup.tcp(app, port, &options),
            _ => setup.datagrams(app, &options),
        }
    }

    /// Adds the program's server, and the calls of its client over TCP, a second apart.
    fn tcp(mut self, app: &App, port: u16, options: &ClientOptions<'a>) -> Result<Self, StartError> {
        let missing = StartError::NoServer { app: app.name, udp: false };
        let server = app.server(&Options::default()).ok_or(missing)?;
        let listener = Listener::new(port, Peer::Server(server));
        self.listeners.push(listener).map_err(|_| StartError::TooMany)?;
        let texts_per_call = if app.takes_one_message() { 1 } else { options.texts.len().max(1) };
        // The client of chargen ends once it has received this number of bytes.
        let options = ClientOptions { bytes: if app.program == Program::Chargen { 2000 } else { 0 }, ..*options };
        // A client without texts calls once.
        let calls = options.texts.len().div_ceil(texts_per_call).max(1);
        for call in 0..calls {
            let texts = options.texts.chunks(texts_per_call).nth(call).unwrap_or_default();
            let client = app.client(&ClientOptions { texts, ..options }).ok_or(missing)?;
            let at = Duration::from_secs(call as u64);
            self.agenda.push((at.into(), client_call(port, Peer::Client(client)))).map_err(|_| StartError::TooMany)?;
        }
        Ok(self)
    }

    /// Adds the program's server and its client over UDP.
    fn datagrams(mut self, app: &App, options: &ClientOptions<'a>) -> Result<Self, StartError> {
        let missing = StartError::NoServer { app: app.name, udp: true };
        let port = app.udp.ok_or(missing)?;
        let server = app.udp_server(&Options::default()).ok_or(missing)?;
        // inbox never replies, so its client does not wait. Any other client gives up after 5 s without a reply or
        // progress.
        let no_wait = app.program == Program::Inbox;
        let options = ClientOptions { no_wait, timeout: Some(Duration::from_secs(5)), ..*options };
        let client = app.udp_client(&options, IpEndpoint::new(address(1), port)).ok_or(missing)?;
        // The server is host 1. The client is host 0, and 0 as its port means any free port.
        self.udp.push((1, port, UdpPeer::Server(server))).map_err(|_| StartError::TooMany)?;
        self.udp.push((0, 0, UdpPeer::Client(client))).map_err(|_| StartError::TooMany)?;
        Ok(self)
    }

    /// Makes a run of a scripted client and a scripted server, on port 7000.
    pub fn scripts(client: &'a [ScriptStep<'a>], server: &'a [ScriptStep<'a>]) -> Self {
        let mut setup = Setup::default().listening(server);
        setup.call(Duration::ZERO, client);
        setup
    }

    /// Adds a scripted server on port 7000. A run has at most four listeners; more are ignored.
    pub fn listening(mut self, server: &'a [ScriptStep<'a>]) -> Self {
        let _ = self.listeners.push(Listener::new(SCRIPT_PORT, Peer::Script(Script::new(server))));
        self
    }

    /// Schedules a call from a scripted client to the server's port 7000. A run has at most eight events; more are
    /// ignored.
    pub fn call(&mut self, after: impl Into<Moment>, client: &'a [ScriptStep<'a>]) {
        let _ = self.agenda.push((after.into(), client_call(SCRIPT_PORT, Peer::Script(Script::new(client)))));
    }

    /// Schedules an event of a host. A run has at most eight events; more are ignored.
    pub fn host_event(&mut self, after: impl Into<Moment>, host: usize, what: HostEvent) {
        let _ = self.agenda.push((after.into(), Scheduled::HostEvent(host, what)));
    }

    /// Adds faults. Ignores invalid faults, faults of the kind `delay`, and faults after the 16th.
    pub fn with_faults(mut self, faults: &[&str]) -> Self {
        for words in faults.iter().take(MAX_FAULTS) {
            // `delay` needs a time, and here no time is valid.
            if let Ok(fault) = Fault::parse(words, |_| None) {
                self.faults.add(fault);
            }
        }
        self
    }

    /// Returns whether anything is scheduled. If nothing is, the run is over before its first step.
    #[cfg(feature = "session")]
    pub(crate) fn starts(&self) -> bool {
        !self.agenda.is_empty() || self.flood > 0 || self.udp.iter().any(|(host, ..)| *host == 0)
    }

    /// Returns the sizes of a host's buffers.
    pub fn buffers_of(&self, host: usize) -> Buffers {
        self.buffers[usize::from(host == 1)]
    }

    /// Checks that the settings are consistent.
    ///
    /// # Errors
    /// [`StartError`] names the setting that does not fit.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), StartError> {
        // A window is a multiple of 2^scale bytes. With a buffer of fewer than four such units, the window would be
        // closed most of the time. The largest scale is 14 (RFC 7323 section 2.3).
        #[cfg(feature = "recovery")]
        if let Some(scale) = self.window_scale
            && self.buffers.iter().any(|buffers| buffers.receive >> scale.min(14) < 4)
        {
            return Err(StartError::WindowScale(scale));
        }
        Ok(())
    }

    /// Makes the lab, before its first step. `memory` must have the sizes that [`buffers_of`](Self::buffers_of)
    /// returns.
    ///
    /// # Errors
    /// [`StartError`] names the part that could not be set up.
    pub fn start<C: Console, const N: usize, const R: usize>(
        &self,
        memory: [(Memory<'a, Peer<'a>, UdpPeer<'a>>, C); N],
    ) -> Result<SetupLab<'a, C, N, R>, StartError> {
        self.check()?;
        // `match` moves the lab less often than `map_err`. In an unoptimised build, each move takes 200 kB of stack.
        let set = |host, config: &mut Config| self.configure(host, config);
        let made = Lab::new(self.line, self.faults.clone(), self.seed, memory, set);
        let mut lab = match made {
            Ok(lab) => lab,
            Err(error) => return Err(StartError::Stack(error)),
        };
        for listener in &self.listeners {
            let mut listener = listener.clone();
            listener.session.set_latency(self.line.latency);
            lab.hosts[1].stack.listen(listener).map_err(StartError::Listen)?;
        }
        for (host, port, session) in &self.udp {
            let stack = &mut lab.hosts.get_mut(*host).ok_or(StartError::TooMany)?.stack;
            let port = stack.bind(*port, session.clone()).map_err(StartError::Listen)?;
            // This always succeeds: `bound` has as much room as `self.udp`.
            let _ = lab.bound.push((*host, port));
        }
        for (after, scheduled) in &self.agenda {
            let mut scheduled = scheduled.clone();
            if let Scheduled::Call { session, .. } = &mut scheduled {
                session.set_latency(self.line.latency);
            }
            // `clients` is the number of copies of each call that the client makes.
            let copies = match &scheduled {
                Scheduled::Call { host: 0, .. } => self.clients,
                _ => 1,
            };
            for _ in 0..copies {
                if !lab.plan(START + after.on(self.line.latency), scheduled.clone()) {
                    return Err(StartError::TooMany);
                }
            }
        }
        #[cfg(feature = "alloc")]
        if self.flood > 0 {
            let port = self.listeners.first().map_or(SCRIPT_PORT, |listener| listener.port);
            if !lab.plan(START, Scheduled::Flood { number: 0, left: self.flood, port }) {
                return Err(StartError::TooMany);
            }
        }
        Ok(lab)
    }

    /// Applies the settings to the configuration of a host's stack.
    fn configure(&self, host: usize, config: &mut Config) {
        #[cfg(not(feature = "recovery"))]
        // Without `recovery`, no setting depends on the host.
        let _ = host;
        if self.flood > 0 {
            // The forged addresses are outside the network, so the hosts need a gateway. The list has room, because it
            // is empty.
            let _ = config.gateways.push(router::ADDRESS.into());
        }
        let tcp = &mut config.tcp;
        tcp.ack_delay = self.ack_delay;
        tcp.nagle = self.nagle;
        // The stack sends `PROBES` keep-alive probes at equal intervals within the idle timeout.
        tcp.idle_timeout = self.keep_alive.map_or(self.idle_timeout, |interval| interval * PROBES);
        #[cfg(feature = "recovery")]
        {
            tcp.congestion = self.congestion;
            // Every host except the server has the client's number.
            tcp.isn = self.isn[usize::from(host == 1)];
            tcp.window_scale = self.window_scale;
        }
    }
}

/// Returns the messages that a program's client sends if the user gives none.
#[cfg(feature = "session")]
pub(crate) fn default_texts(app: &App) -> &'static [&'static str] {
    if app.program == Program::Greeting { &["Li", "Cheng", "victor"] } else { &["hello"] }
}

/// The type of a lab that a [`Setup`] starts.
pub type SetupLab<'a, C, const N: usize, const R: usize> = Lab<'a, Peer<'a>, UdpPeer<'a>, C, N, R>;

/// The port on which a scripted server listens.
pub const SCRIPT_PORT: u16 = 7000;

/// Returns a call from the client to `port` of the server.
fn client_call<'a>(port: u16, session: Peer<'a>) -> Scheduled<Peer<'a>> {
    Scheduled::Call { host: 0, port: 0, remote: IpEndpoint::new(address(1), port), session, patience: PATIENCE }
}
