//! `smolstep call`: runs a program's client.

mod args;

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use smoltcp::wire::IpEndpoint;

use super::address::{Lookup, no_route, unanswered};
use super::console::Stdio;
use super::error::Failure;
use super::lines::Lines;
use super::link::{Link, Side};
use super::programs::find;
use super::race::{Outcome, Race, Runner, Track, dialler};
use super::stop::Stop;
use super::tcp::TcpArgs;
use super::tcp_queries::WithQuery;
use super::watch::Watch;
use crate::app::{App, CONSOLE, Client, ClientOptions, Failure as NotDone, Program, UdpClient};
use crate::host::{Clock, Ended, Sizes, drive};
use crate::names::{DialError, DialStep, Dialler, WithResolver};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectError, ConnectionId, End, Io, Stack};

pub use args::CallArgs;
use args::bracketed;

/// Runs `smolstep call`: validates the arguments, then runs the client of the program.
///
/// # Errors
/// The error's message is one line for the user.
pub fn call(args: &CallArgs) -> Result<(), Failure> {
    let app = find(&args.app)?;
    if !has_client(app) {
        return Err(Failure::usage(format_args!(
            "{} has no client: fetch its page with 'smolstep get http://HOST/ --tap tap0', or open it in a browser",
            app.name
        )));
    }
    let link = args.link.link(Side::Client)?;
    let (host, port) = args.remote(app, &link)?;
    let texts = args.texts(app)?;
    let mut texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let udp = args.udp || app.tcp.is_none();
    if texts == [CONSOLE] && (udp || !app.takes_one_message()) {
        // The only TEXT is `-`: leave it out. Without TEXTs, the client reads standard input itself, so that echo and
        // discard send the bytes unchanged.
        texts.clear();
    }
    let options = ClientOptions {
        texts: &texts,
        // The client sends the lines of standard input in place of a TEXT `-`.
        dash: true,
        // These texts are sent if standard input ends without a line.
        fallback: if app.program == Program::Inbox && args.texts.is_empty() { &[b"AAABBBCCC"] } else { &[] },
        timeout: Some(args.timeout.into()),
        bytes: args.bytes.unwrap_or(0),
        no_wait: args.no_wait,
    };
    let device = link.open()?;
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.link.pcap.as_deref())?;
    let stop = Stop::on_signals().map_err(Failure::run)?;
    let race = Race::default();
    let closing = Vec::new();
    let job = Job { app, udp, options };
    let mut caller = Caller {
        link: &link,
        tcp: args.tcp,
        hint: bracketed(&host),
        race: &race,
        closing,
        patience: args.timeout,
        clock,
        stop,
    };
    let console = if app.program == Program::Chat { Stdio::editing(None) } else { Stdio::new() };
    let mut io = Io { device, console, probe: watch };
    let result = caller.run((&host, port), job, &mut io);
    // Complete the capture even if the client has failed.
    io.probe.finish().and(result)
}

/// Returns whether `smolstep call` has a client for this program.
pub fn has_client(app: &App) -> bool {
    app.udp.is_some() || app.client(&ClientOptions::default()).is_some()
}

/// The client to run, its transport and its options.
#[derive(Clone, Copy)]
struct Job<'t> {
    app: &'static App,
    udp: bool,
    options: ClientOptions<'t>,
}

impl<'t> Job<'t> {
    /// Returns a job that sends `texts` unchanged, even a text that is `-`.
    fn sending(self, texts: &'t [&'t [u8]]) -> Self {
        Job { options: ClientOptions { texts, dash: false, ..self.options }, ..self }
    }
}

/// The state shared by all connections of one `smolstep call`.
struct Caller<'c> {
    link: &'c Link,
    tcp: TcpArgs,
    /// A corrected form of the host, for a hint in an error message: see [`bracketed`].
    hint: Option<String>,
    race: &'c Race,
    /// Connections that lost a [`Race`] and might still be closing.
    closing: Vec<ConnectionId>,
    patience: Duration,
    clock: Clock,
    stop: Stop,
}

/// Memory for connections to up to 16 addresses of a host, and for earlier connections that are still closing.
const SIZES: Sizes = Sizes { connections: 24, ports: 1, ..Sizes::SERVER };

type Clients<'s, 'c, 't> = Stack<'s, WithQuery<Runner<'c, Client<'t>>>, WithResolver<UdpClient<'t>>>;
type Around = Io<TunTap, Stdio, Watch<'static>>;

impl<'c> Caller<'c> {
    /// Creates the stack, runs the client, and releases the DHCP lease.
    fn run(&mut self, remote: (&str, u16), job: Job<'_>, io: &mut Around) -> Result<(), Failure> {
        let mut pool = self.tcp.pool(SIZES)?;
        let mut stack: Clients<'_, 'c, '_> =
            self.link.stack(&mut io.device, pool.memory(), self.clock.now(), |config| {
                self.tcp.configure(&mut config.tcp);
            })?;
        let result = self.talk(remote, job, &mut stack, io);
        stack.release_lease(self.clock.now(), io);
        result
    }

    /// Looks up the host, then runs the client over UDP to the first address, or over one or several TCP connections.
    fn talk<'t>(
        &mut self,
        (host, port): (&str, u16),
        job: Job<'t>,
        stack: &mut Clients<'_, 'c, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        let lookup = Lookup { link: self.link, patience: self.patience, thorough: false };
        let found = lookup.addresses(host, stack, io, &self.clock, &mut self.stop).map_err(|failure| {
            // Until the stack has checked its own addresses, only the link causes failures, so the hint does not help.
            if stack.is_settled() { self.with_hint(failure) } else { failure }
        })?;
        let mut dialler = dialler(&found, port, self.patience);
        if job.udp {
            // The lookup has returned at least one address, so the dialler's first step is always `Connect`.
            let DialStep::Connect { remote, .. } = dialler.next(self.clock.now()) else { return Ok(()) };
            return self.run_udp(remote, job, stack, io);
        }
        // If the server accepts one message per connection, each text needs its own connection.
        if job.app.takes_one_message() && !job.options.texts.is_empty() {
            return self.call_for_each_text(&mut dialler, job, stack, io);
        }
        self.run_tcp(&mut dialler, job, stack, io)
    }

    /// Opens one connection for each text, because the server accepts one message per connection. For the text `-`,
    /// opens one for each line of standard input that is not empty. Fails if nothing was sent.
    fn call_for_each_text<'t>(
        &mut self,
        dialler: &mut Dialler,
        job: Job<'t>,
        stack: &mut Clients<'_, 'c, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        let (mut lines, mut sent) = (Lines::default(), false);
        // Each chunk is a slice of one text.
        for texts in job.options.texts.chunks(1) {
            if texts != [CONSOLE] {
                self.run_tcp(dialler, job.sending(texts), stack, io)?;
                sent = true;
                continue;
            }
            while let Some(line) = lines.next(stack, io, &self.clock, &mut self.stop)? {
                if line.is_empty() {
                    continue;
                }
                // The client borrows the line until the process ends, so the line is never freed.
                let texts: &'static [&'static [u8]] = Box::leak(Box::new([&*line.leak()]));
                self.run_tcp(dialler, job.sending(texts), stack, io)?;
                sent = true;
            }
        }
        if sent { Ok(()) } else { Err(Failure::run(NotDone::NoText)) }
    }

    /// Runs the client on the first address that answers. Keeps only this address in `dialler`, for later texts.
    fn run_tcp<'t>(
        &mut self,
        dialler: &mut Dialler,
        job: Job<'t>,
        stack: &mut Clients<'_, 'c, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        // Free the slots of earlier connections that have closed.
        self.closing.retain(|id| stack.take(*id).is_none());
        // Every program that this command calls over TCP has a TCP client.
        let Some(client) = job.app.client(&job.options) else { return Ok(()) };
        let track = Track { clock: self.clock, stop: &mut self.stop };
        let (id, remote) = match self.race.run(track, dialler, &client, stack, io, &mut self.closing)? {
            Outcome::Won(id, remote) => (id, remote),
            Outcome::Stopped => return Err(Failure::run("interrupted")),
            Outcome::Lost => {
                // If no address answered, the user might have mistyped the host, so the message contains the hint.
                let silent =
                    |(_, why)| matches!(why, DialError::Ended(End::TimedOut | End::Undelivered(_) | End::Unreachable));
                let all_silent = dialler.failures().all(silent);
                let lines: Vec<_> = dialler
                    .failures()
                    .map(|(remote, why)| self.no_connection(stack, remote, why).to_string())
                    .collect();
                let failure = Failure::run(lines.join("; "));
                return Err(if all_silent { self.with_hint(failure) } else { failure });
            }
        };
        *dialler = Dialler::to_address(remote, self.patience.into());
        // The client can have its result before the connection has closed.
        let is_done = |stack: &Clients<'_, 'c, 't>| {
            stack.session(id).and_then(WithQuery::program).is_some_and(|runner| runner.session.result() == Some(Ok(())))
        };
        let ended = drive(stack, io, &self.clock, &mut self.stop, |stack| stack.ended(id).is_some() || is_done(stack))?;
        match stack.take(id) {
            Some((WithQuery::Program(runner), end)) if ended == Ended::Done => match runner.session.result() {
                Some(Ok(())) => Ok(()),
                Some(Err(why)) => Err(failed(remote, &why)),
                None => Err(failed(remote, &end)),
            },
            // The client has finished, although the connection is still open.
            None if is_done(stack) => Ok(()),
            _ => Err(failed(remote, &"interrupted")),
        }
    }

    /// Runs the client over UDP until the client has a result.
    fn run_udp<'t>(
        &mut self,
        remote: IpEndpoint,
        job: Job<'t>,
        stack: &mut Clients<'_, 'c, 't>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        // If there is no route, fail now rather than at the timeout.
        stack.source_for(remote).map_err(|error| describe(remote, error))?;
        // `CallArgs::remote` has rejected programs without a UDP server. Port 0 below means any free port.
        let Some(client) = job.app.udp_client(&job.options, remote) else { return Ok(()) };
        let port = stack.bind(0, WithResolver::Program(client)).map_err(Failure::run)?;
        let mut ended_client = None;
        drive(stack, io, &self.clock, &mut self.stop, |stack| {
            ended_client = stack.take_udp(port);
            ended_client.is_some()
        })?;
        match ended_client {
            Some(WithResolver::Program(client)) => match client.result() {
                Some(Ok(())) => Ok(()),
                Some(Err(why @ (NotDone::TimedOut | NotDone::Undelivered(_) | NotDone::Unreachable))) => {
                    Err(self.with_hint(self.not_finished(stack, remote, why)))
                }
                Some(Err(why)) => Err(failed(remote, &why)),
                None => Err(failed(remote, &"interrupted")),
            },
            // A signal arrived before the client ended.
            _ => Err(failed(remote, &"interrupted")),
        }
    }

    /// Returns the error for an address to which no connection was established.
    fn no_connection(&self, stack: &Clients<'_, '_, '_>, remote: IpEndpoint, why: DialError) -> Failure {
        match why {
            DialError::Connect(error) => describe(remote, error),
            DialError::Ended(End::Unreachable) => self.not_finished(stack, remote, NotDone::Unreachable),
            DialError::Ended(end) => failed(remote, &NotDone::Ended(end)),
        }
    }

    /// Returns the error for a client that has not finished.
    fn not_finished(&self, stack: &Clients<'_, '_, '_>, remote: IpEndpoint, why: NotDone) -> Failure {
        match why {
            NotDone::Unreachable => Failure::run(unanswered(self.link, stack, remote.addr)),
            why => failed(remote, &why),
        }
    }

    /// Adds the hint about the host, if any, to an error.
    fn with_hint(&self, failure: Failure) -> Failure {
        match &self.hint {
            Some(meant) => Failure::run(format_args!("{failure}; if the address ends with a port, write {meant}")),
            None => failure,
        }
    }
}

/// Returns an error that names the server's address and port.
fn failed(remote: IpEndpoint, why: &dyn core::fmt::Display) -> Failure {
    Failure::run(format_args!("{}: {why}", SocketAddr::from(remote)))
}

/// Returns the error for a connection that could not be started.
pub(super) fn describe(remote: IpEndpoint, error: ConnectError) -> Failure {
    match error {
        ConnectError::NoRoute => no_route(&remote.addr),
        error => failed(remote, &error),
    }
}
