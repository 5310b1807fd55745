//! `smolstep call`: a program's client.

use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::Args;
use smoltcp::wire::IpEndpoint;

use super::clock::Clock;
use super::console::Stdio;
use super::drive::{Ended, drive};
use super::error::Failure;
use super::link::{Link, LinkArgs, Side};
use super::memory::{HeapPool, Sizes};
use super::serve::{find, positive};
use super::stop::Stop;
use super::watch::Watch;
use crate::app::{App, Client, ClientOptions, UdpClient};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectError, Io, Stack};

/// Call a program's server
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  smolstep call greeting 192.168.69.100 Li Cheng --tap tap0
  smolstep call echo '[fdaa::64]:4000' --udp --tap tap0 hello")]
pub struct CallArgs {
    /// The program; `smolstep apps` lists them
    #[arg(value_name = "APP")]
    pub app: String,
    /// The server's IP address, and its port unless it is the program's own
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// What to send; without any, most clients read lines from standard input
    #[arg(value_name = "TEXT")]
    pub texts: Vec<OsString>,
    #[command(flatten)]
    pub link: LinkArgs,
    /// Use the program's UDP side
    #[arg(long)]
    pub udp: bool,
    /// How long connecting may take, and each reply
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = positive)]
    pub timeout: Duration,
    /// greeting: send N random numbers
    #[arg(long, value_name = "N", conflicts_with = "texts")]
    pub random: Option<u16>,
    /// inbox: do not wait for a reply
    #[arg(long)]
    pub no_wait: bool,
    /// discard, chargen: so many bytes
    #[arg(long, value_name = "N")]
    pub bytes: Option<u64>,
}

/// Runs `smolstep call`.
///
/// # Errors
/// One line for the user.
pub fn call(args: &CallArgs) -> Result<(), Failure> {
    let link = args.link.link(Side::Client)?;
    let app = find(&args.app)?;
    let remote = args.remote(app)?;
    let texts = args.texts(app)?;
    let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let options = ClientOptions {
        texts: &texts,
        fallback: if app.name == "inbox" { &[b"AAABBBCCC"] } else { &[] },
        timeout: Some(args.timeout.into()),
        bytes: args.bytes.unwrap_or(0),
        no_wait: args.no_wait,
    };
    let device = TunTap::open(link.kind, &link.name).map_err(Failure::run)?;
    let clock = Clock::start();
    let watch = Watch::new(link.kind, &link.name, &clock, args.link.pcap.as_deref())?;
    let stop = Stop::on_signals().map_err(Failure::run)?;
    let mut caller = Caller { link: &link, remote, patience: args.timeout, clock, stop };
    let mut io = Io { device, console: Stdio::new(), probe: watch };
    let result = caller.run(app, args.udp || app.tcp.is_none(), &options, &mut io);
    io.probe.finish().and(result)
}

impl CallArgs {
    fn remote(&self, app: &App) -> Result<IpEndpoint, Failure> {
        let port = match (self.udp, app.tcp, app.udp) {
            (false, Some(port), _) | (false, None, Some(port)) | (true, _, Some(port)) => port,
            _ => return Err(Failure::usage(format_args!("{} has no UDP side: leave --udp out", app.name))),
        };
        endpoint(&self.host, port).filter(|e| e.port != 0).ok_or_else(|| {
            Failure::usage(format_args!(
                "bad address '{}': it is an IP address, with a port as in 192.168.69.1:9999 or [fdaa::1]:9999",
                self.host
            ))
        })
    }

    fn texts(&self, app: &App) -> Result<Vec<OsString>, Failure> {
        for (flag, given, names) in [
            ("--random", self.random.is_some(), &["greeting"][..]),
            ("--no-wait", self.no_wait, &["inbox"]),
            ("--bytes", self.bytes.is_some(), &["discard", "chargen"]),
        ] {
            if given && !names.contains(&app.name) {
                return Err(Failure::usage(format_args!(
                    "{flag} is for {}, not for {}",
                    names.join(" and "),
                    app.name
                )));
            }
        }
        match (self.random, &self.texts[..], app.name) {
            (Some(count), _, _) => (0..count)
                .map(|_| getrandom::u32().map(|n| (n % 1000).to_string().into()).map_err(Failure::run))
                .collect(),
            (None, [], "greeting") => Ok(["Li", "Cheng", "victor"].map(OsString::from).into()),
            (None, texts, _) => Ok(texts.to_vec()),
        }
    }
}

/// An IP address with or without a port.
fn endpoint(text: &str, port: u16) -> Option<IpEndpoint> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpEndpoint::new(address.into(), port));
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.into());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let address: std::net::Ipv6Addr = inner.parse().ok()?;
    Some(IpEndpoint::new(address.into(), port))
}

struct Caller<'c> {
    link: &'c Link,
    remote: IpEndpoint,
    patience: Duration,
    clock: Clock,
    stop: Stop,
}

const SIZES: Sizes = Sizes { connections: 2, receive: 65_535, send: 65_535, ports: 1, datagrams: 64, payload: 131_072 };

type Clients<'s, 't> = Stack<'s, Client<'t>, UdpClient<'t>>;
type Around = Io<TunTap, Stdio, Watch>;

impl Caller<'_> {
    fn run(&mut self, app: &App, udp: bool, options: &ClientOptions<'_>, io: &mut Around) -> Result<(), Failure> {
        let mut pool = HeapPool::new(SIZES);
        let mut stack: Clients<'_, '_> = self.link.stack(&mut io.device, pool.memory(), self.clock.now(), |_| {})?;
        if udp {
            return self.udp(app, options, &mut stack, io);
        }
        // A program whose server takes one message a connection is called once a text.
        if app.takes_one_message() && !options.texts.is_empty() {
            for texts in options.texts.chunks(1) {
                self.tcp(app, &ClientOptions { texts, ..*options }, &mut stack, io)?;
            }
            return Ok(());
        }
        self.tcp(app, options, &mut stack, io)
    }

    fn tcp<'t>(
        &mut self,
        app: &App,
        options: &ClientOptions<'t>,
        stack: &mut Clients<'_, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        let Some(client) = app.client(options) else { return Ok(()) };
        let connected = stack.connect(self.clock.now(), self.remote, client, self.patience.into(), io);
        let id = connected.map_err(|error| describe(self.remote, error))?;
        let ended = drive(stack, io, &self.clock, &mut self.stop, |stack| stack.ended(id).is_some())?;
        match stack.take(id) {
            Some((client, end)) if ended == Ended::Done => match client.result() {
                Some(Ok(())) => Ok(()),
                Some(Err(why)) => Err(self.failed(&why)),
                None => Err(self.failed(&end)),
            },
            _ => Err(self.failed(&"interrupted")),
        }
    }

    fn udp<'t>(
        &mut self,
        app: &App,
        options: &ClientOptions<'t>,
        stack: &mut Clients<'_, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        stack.source_for(self.remote).map_err(|error| describe(self.remote, error))?;
        let Some(client) = app.udp_client(options, self.remote) else { return Ok(()) };
        let port = stack.bind(0, client).map_err(Failure::run)?;
        let mut over = None;
        drive(stack, io, &self.clock, &mut self.stop, |stack| {
            over = stack.take_udp(port);
            over.is_some()
        })?;
        match over.and_then(|client| client.result()) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => Err(self.failed(&why)),
            None => Err(self.failed(&"interrupted")),
        }
    }

    fn failed(&self, why: &dyn core::fmt::Display) -> Failure {
        Failure::run(format_args!("{}: {why}", std::net::SocketAddr::new(self.remote.addr.into(), self.remote.port)))
    }
}

/// Why a connection was not even begun, for the user.
pub(super) fn describe(remote: IpEndpoint, error: ConnectError) -> Failure {
    match error {
        ConnectError::NoRoute => Failure::run(format_args!(
            "no route to {}: give an address on its network with --ip, or a router with --gateway",
            remote.addr
        )),
        error => Failure::run(format_args!("{remote}: {error}")),
    }
}
