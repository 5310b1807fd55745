//! `smolstep serve`: runs the servers of programs on a TAP or TUN.
//!
//! stack/ingress/admission.rs applies --overflow. host/drive.rs closes the connections after Ctrl-C.

use std::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use smoltcp::wire::IpCidr;

use super::address::settle;
use super::console::{KEYBOARD, Stdio};
use super::error::Failure;
use super::events::Events;
use super::link::{Link, LinkArgs, Side};
use super::listening::Listening;
use super::live::step_by_step;
use super::output::say;
use super::programs::{find, parse_move, program_names, programs};
use super::sandbox::Publish;
use super::stop::{Closing, Stop};
use super::tcp::TcpArgs;
use super::values::{duration, positive, whole};
use super::watch::Watch;
use crate::app::{self, APPS, App, Operator, Options, Program, Room, Service, Status, Template, Transport};
use crate::host::{Clock, Ended, Interrupt, Sizes, drive};
use crate::phy::linux::TunTap;
use crate::stack::{Config, Io, Listener, Overflow, Stack};

/// The number of connection slots that the status page shows, beginning with the first slot.
const ROWS: usize = 64;

/// Serve programs on a TAP or TUN
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{}
Examples:
  smolstep serve greeting echo --tap tap0
  smolstep serve all --tun tun0 --ip 10.0.0.1/24 --port greeting=4000", programs()))]
pub struct ServeArgs {
    /// The programs to serve, or all
    #[arg(value_name = "APP", required = true)]
    pub apps: Vec<String>,
    #[command(flatten)]
    pub link: LinkArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Stop after each step of the poll loop: Enter takes the next step, ? lists the commands
    #[arg(long)]
    pub step: bool,
}

/// The options of a server on any link.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(skip)]
pub struct ServerArgs {
    /// Serve APP on another port: echo=4000 for TCP and UDP, echo/udp=4000 for UDP alone; repeatable [default: the ports below]
    #[arg(long, value_name = "APP=PORT")]
    pub port: Vec<String>,
    /// The largest number of connections at a time, of all programs together [default: 1024]
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=65_000, "1024"))]
    pub max_connections: Option<u16>,
    #[command(flatten)]
    pub tcp: TcpArgs,
    /// The largest number of connections that wait to be served, for each program [default: 128]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(0..=u64::MAX, "128"))]
    pub backlog: Option<usize>,
    /// The largest number of connections served at a time, for each program [default: no limit; chat without a room always
    /// serves 1]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=u64::MAX, "4"))]
    pub serve_at_once: Option<usize>,
    /// End a connection whose peer has been silent for TIME [default: 5min]
    #[arg(long, value_name = "TIME", value_parser = positive)]
    pub idle_timeout: Option<Duration>,
    /// End a handshake that has not finished after TIME [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = positive)]
    pub handshake_timeout: Option<Duration>,
    /// What to do with a new connection when the backlog is full or --max-connections is reached [default: drop]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub overflow: Option<OnOverflow>,
    /// Write a line of JSON for each event to FILE, - for standard output; docs/lab-json.md lists the fields [default: no lines]
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// greeting: reply TEXT, with the message in place of {} [default: Hello,{}!]
    #[arg(long, value_name = "TEXT")]
    pub template: Option<OsString>,
    /// greeting: wait TIME before each reply over TCP [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub delay: Option<Duration>,
    /// inbox: exit after one datagram; chat: exit after one conversation (over UDP, a conversation ends with q)
    #[arg(long)]
    pub once: bool,
    /// chat: let all clients talk with each other, not one at a time with this terminal; in a sandbox, chat is always a
    /// room
    #[arg(long)]
    pub room: bool,
    /// inbox: reply TEXT to each datagram [default: no reply]
    #[arg(long, value_name = "TEXT")]
    pub reply: Option<OsString>,
}

/// How to treat a new connection when the backlog is full or no connection slot is free.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOverflow {
    /// Ignore the connection, so that the client tries again
    Drop,
    /// Refuse the connection with RST
    Reset,
}

/// A list of programs, each with its server's port.
type Ports = Vec<(u16, &'static App)>;

/// The programs, ports and options of a server, all of them validated.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    tcp: Ports,
    udp: Ports,
    options: Options<'a>,
    args: &'a ServerArgs,
    /// Whether to stop after each step and wait for Enter.
    pub step: bool,
    /// chat: whether all clients talk with each other.
    pub room: bool,
}

/// The size of a chat room's store of lines, in bytes.
const ROOM: usize = 65_536;

/// Runs `smolstep serve`.
///
/// # Errors
/// The error's message is one line for the user.
pub fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let plan = Plan { step: args.step, ..args.server.plan(&args.apps)? };
    let link = args.link.link(Side::Server)?;
    let device = link.open()?;
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.link.pcap.as_deref())?;
    let start = |listening: &str| {
        // Ctrl-C closes the connections and waits at most 1.5 s. A second Ctrl-C resets the connections: see
        // `host::drive`.
        let stop = Stop::on_signals().map_err(Failure::run)?;
        say(listening)?;
        Ok(stop)
    };
    // With --step, standard input is for the commands typed at the prompt. Without --step, Ctrl-D ends a conversation,
    // not the server.
    let console = if plan.step { Stdio::output_only() } else { Stdio::editing(Some(b"q\n")) };
    plan.run(&link, &clock, Io { device, console, probe: watch }, start).map(drop)
}

impl ServerArgs {
    /// Builds the plan of a server that runs the programs `names`, with their ports and options.
    ///
    /// # Errors
    /// Fails with a usage error if a program is unknown, if two programs share a port, or if an option is invalid or
    /// does not apply to these programs.
    pub fn plan(&self, names: &[String]) -> Result<Plan<'_>, Failure> {
        let apps = find_all(names)?;
        self.check_flags(&apps)?;
        let options = Options {
            template: self
                .template
                .as_ref()
                .map(|t| Template::new(t.as_bytes()))
                .transpose()
                .map_err(Failure::usage)?,
            delay: self.delay.unwrap_or_default().into(),
            once: self.once,
            reply: self.reply.as_ref().map(|text| text.as_bytes()),
            // `Plan::run` sets these three, which refer to values that it creates.
            status: None,
            operator: None,
            room: None,
        };
        let (tcp, udp) = self.ports(&apps)?;
        Ok(Plan { tcp, udp, options, args: self, step: false, room: self.room })
    }

    /// Checks that the given options apply to the programs `apps`, and that they can be combined. For example,
    /// `--template` applies only to greeting.
    fn check_flags(&self, apps: &[&'static App]) -> Result<(), Failure> {
        let serves = |program: &Program| apps.iter().any(|app| app.program == *program);
        for (flag, is_given, programs) in [
            ("--template", self.template.is_some(), &[Program::Greeting][..]),
            ("--delay", self.delay.is_some(), &[Program::Greeting]),
            ("--once", self.once, &[Program::Inbox, Program::Chat]),
            ("--reply", self.reply.is_some(), &[Program::Inbox]),
            ("--room", self.room, &[Program::Chat]),
        ] {
            if is_given && !programs.iter().any(serves) {
                let (names, verb) = (program_names(programs), if programs.len() > 1 { "are" } else { "is" });
                return Err(Failure::usage(format_args!("{flag} is for {names}, which {verb} not served here")));
            }
        }
        if self.room && self.once {
            return Err(Failure::usage("a room has no end, so --once and --room do not go together"));
        }
        Ok(())
    }

    /// Returns the programs with their TCP ports and the programs with their UDP ports. Checks that no two programs
    /// share a port.
    fn ports(&self, apps: &[&'static App]) -> Result<(Ports, Ports), Failure> {
        let moves = self.port.iter().map(|word| parse_move(word, apps)).collect::<Result<Vec<_>, _>>()?;
        // The last --port option for a program and transport wins. NAME=PORT is for both transports.
        // `udp` says which transport's port to return.
        let port_of = |app: &App, udp: bool, default: u16| {
            let last = moves.iter().rev().find(|m| m.program == app.program && (udp || !m.udp_only));
            last.map_or(default, |m| m.port)
        };
        let tcp: Ports = apps.iter().filter_map(|a| Some((port_of(a, false, a.tcp?), *a))).collect();
        let udp: Ports = apps.iter().filter_map(|a| Some((port_of(a, true, a.udp?), *a))).collect();
        for (transport, list) in [("TCP", &tcp), ("UDP", &udp)] {
            for (i, (port, app)) in list.iter().enumerate() {
                if let Some((_, other)) = list[..i].iter().find(|(p, _)| p == port) {
                    return Err(Failure::usage(format_args!(
                        "{transport} port {port} is wanted by {} and {}: move one with --port {}=PORT",
                        other.name, app.name, app.name
                    )));
                }
            }
        }
        Ok((tcp, udp))
    }
}

/// Returns the programs called `names`, each once. `all` stands for every program.
fn find_all(names: &[String]) -> Result<Vec<&'static App>, Failure> {
    let mut apps: Vec<&'static App> = Vec::new();
    for name in names {
        let found = if name == "all" { &APPS[..] } else { core::slice::from_ref(find(name)?) };
        for app in found {
            if !apps.contains(&app) {
                apps.push(app);
            }
        }
    }
    Ok(apps)
}

impl Plan<'_> {
    /// Returns whether `program` is served.
    pub fn serves(&self, program: Program) -> bool {
        self.tcp.iter().chain(&self.udp).any(|(_, app)| app.program == program)
    }

    /// Checks that a server listens on a published port.
    ///
    /// # Errors
    /// Fails with a usage error that lists the ports of the servers.
    pub fn check_published(&self, Publish { host, port }: Publish) -> Result<(), Failure> {
        let served = || self.tcp.iter().chain(&self.udp);
        if served().any(|(served, _)| *served == port) {
            return Ok(());
        }
        let mut known: Vec<String> = served().map(|(port, app)| format!("{} on {port}", app.name)).collect();
        known.sort();
        known.dedup();
        let example = served().next().map_or(port, |(port, _)| *port);
        Err(Failure::usage(format_args!(
            "--publish {host}={port}: no server listens on port {port}; there is {}, as in --publish {host}={example}",
            known.join(", ")
        )))
    }

    /// Serves until the interrupt requests a stop, or until a program with --once has finished.
    ///
    /// Once all programs listen, calls `start` with the `listening` lines: one line for each address, transport and
    /// program. `start` returns the interrupt, which this method returns after serving.
    ///
    /// # Errors
    /// The error's message is one line for the user.
    pub fn run<I: Interrupt>(
        &self,
        link: &Link,
        clock: &Clock,
        io: Io<TunTap, Stdio, Watch<'_>>,
        start: impl FnOnce(&str) -> Result<I, Failure>,
    ) -> Result<I, Failure> {
        let rows = vec![Cell::new(None); ROWS];
        let status = Status::new(&rows, clock.now());
        // The status is recorded only if the status page is served.
        let status = self.serves(Program::Http).then_some(&status);
        let args = self.args;
        let events = args.events.as_deref().map(|path| Events::create(path, clock.now())).transpose()?;
        let Io { device, console, probe } = io;
        let mut io = Io { device, console, probe: probe.with_status(status).with_events(events.as_ref()) };
        // A room never closes, so --once does not apply to a room.
        let (operator, lines) =
            (Operator::new(args.once && !self.room).with_keyboard(&KEYBOARD), vec![Cell::new(0); ROOM]);
        let connections = args.max_connections.map_or(Sizes::default().connections, usize::from);
        let names = vec![Cell::new(Room::NO_NAME); if self.room { connections } else { 0 }];
        let shared_room = Room::new(&lines, &names, Some(&operator));
        let room = self.room.then_some(&shared_room);
        let options = Options { status, operator: Some(&operator), room, ..self.options };
        let mut pool = args.tcp.pool(Sizes { connections, ports: self.udp.len(), ..Sizes::default() })?;
        let mut stack: Stack<'_, app::Server<'_>, app::UdpServer<'_>> =
            link.stack(&mut io.device, pool.memory(), clock.now(), |config| args.configure(config))?;
        let once = self.listen(&mut stack, &options)?;
        if let Some(status) = status {
            for (transport, list) in [(Transport::Tcp, &self.tcp), (Transport::Udp, &self.udp)] {
                list.iter().for_each(|&(port, app)| status.serves(Service { name: app.name, transport, port }));
            }
        }
        settle(link, &mut stack, &mut io, clock)?;
        // Without --dhcp or --slaac, smolstep can add a link-local address that only neighbours use. The `listening`
        // lines do not show this address.
        let own = |address: &IpCidr| link.slaac || link.dhcp || link.addresses.contains(address);
        let mut listening = Listening::new(&self.tcp, &self.udp);
        let mut interrupt = start(&listening.update(stack.addresses().iter().copied().filter(own)))?;
        let mut report = |addresses: &[IpCidr]| {
            events.as_ref().map_or(Ok(()), Events::check)?;
            say(listening.update(addresses.iter().copied().filter(own)))
        };
        let result = if self.step {
            let each = |stack: &Stack<'_, _, _>| report(stack.addresses());
            let (back, result) = step_by_step(&mut stack, io, clock, &mut interrupt, each);
            io = back;
            // After the prompt, the connections are closed in the same way as without --step.
            result.and_then(|()| {
                drive(&mut stack, &mut io, clock, &mut Closing::now(&mut interrupt), |_| false)?;
                Ok(())
            })
        } else {
            let mut said = Ok(());
            let done = |stack: &mut Stack<'_, _, _>| {
                said = report(stack.addresses());
                said.is_err() || operator.is_over() || once.is_some_and(|port| stack.take_udp(port).is_some())
            };
            let mut result = drive(&mut stack, &mut io, clock, &mut interrupt, done);
            if matches!(result, Ok(Ended::Done)) && operator.is_over() {
                // The only conversation is over, and its connection closes normally. Connections that still wait for a
                // conversation are reset.
                result = drive(&mut stack, &mut io, clock, &mut Closing::now(&mut interrupt), |_| false);
            }
            result.map(drop).map_err(Failure::from).and(said)
        };
        stack.release_lease(clock.now(), &mut io);
        let written = events.as_ref().map_or(Ok(()), Events::finish);
        io.probe.finish()?;
        result.and(written).map(|()| interrupt)
    }

    /// Listens on the ports of all programs. If --once is given and inbox is served, returns the UDP port of inbox: the
    /// server exits when the program on that port has finished. Otherwise returns `None`.
    fn listen<'a>(
        &self,
        stack: &mut Stack<'a, app::Server<'a>, app::UdpServer<'a>>,
        options: &Options<'a>,
    ) -> Result<Option<u16>, Failure> {
        for &(port, app) in &self.tcp {
            // Every program with a TCP port has a server, so no program is left out here.
            let Some(session) = app.server(options) else { continue };
            let mut listener = Listener::new(port, session);
            // Without a room, chat serves one client at a time.
            let one_at_a_time = app.program == Program::Chat && options.room.is_none();
            listener.serve_at_once = if one_at_a_time { 1 } else { self.args.serve_at_once.unwrap_or(usize::MAX) };
            listener.backlog = self.args.backlog.unwrap_or(listener.backlog);
            stack
                .listen(listener)
                .map_err(|error| Failure::usage(format_args!("{} on TCP port {port}: {error}", app.name)))?;
        }
        let mut inbox_port = None;
        for &(port, app) in &self.udp {
            let Some(session) = app.udp_server(options) else { continue };
            stack
                .bind(port, session)
                .map_err(|error| Failure::usage(format_args!("{} on UDP port {port}: {error}", app.name)))?;
            if app.program == Program::Inbox && self.options.once {
                inbox_port = Some(port);
            }
        }
        Ok(inbox_port)
    }
}

impl ServerArgs {
    /// Sets the limits and timeouts of the stack. Without an option, the stack's default stays in effect.
    fn configure(&self, config: &mut Config) {
        self.tcp.configure(&mut config.tcp);
        if let Some(OnOverflow::Reset) = self.overflow {
            config.tcp.overflow = Overflow::Reset;
        }
        if let Some(time) = self.idle_timeout {
            config.tcp.idle_timeout = time.into();
        }
        if let Some(time) = self.handshake_timeout {
            config.tcp.handshake_timeout = time.into();
        }
    }
}
