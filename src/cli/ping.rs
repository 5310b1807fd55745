//! `smolstep ping`: sends ICMP echo requests and times their replies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use smoltcp::iface::SocketStorage;
use smoltcp::socket::icmp::PacketMetadata;
use smoltcp::time::Instant;

use super::address::{Lookup, no_route, unanswered};
use super::console::Stdio;
use super::error::Failure;
use super::link::{Link, LinkArgs, Side};
use super::output::say_line;
use super::stop::Stop;
use super::tcp_queries::WithQuery;
use super::timer::{Alarm, Timer};
use super::values::{positive, whole};
use super::watch::Watch;
use crate::host::{Clock, HeapPool, Sizes, drive};
use crate::names::WithResolver;
use crate::phy::linux::TunTap;
use crate::stack::{ECHO_HEADER, Echo, EchoError, EchoMemory, EchoRefusal, Io, Stack};

/// Send ICMP echo requests to a host, and show how long the replies take
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  smolstep ping 192.168.69.100 -c 3 --tap tap0
  smolstep ping host.example --tap tap0 --dhcp")]
pub struct PingArgs {
    /// The host's IP address or name
    #[arg(value_name = "HOST")]
    pub host: String,
    /// Stop after N requests [default: on Ctrl-C]
    #[arg(short, long, value_name = "N", value_parser = whole::<u32>(1..=4_294_967_295, "3"))]
    pub count: Option<u32>,
    /// Seconds between requests, 0.001 or more
    #[arg(short, long, value_name = "S", default_value = "1", value_parser = seconds)]
    pub interval: Duration,
    /// Bytes of data in each request
    #[arg(short, long, value_name = "BYTES", default_value = "56", value_parser = whole::<usize>(0..=65_535, "1000"))]
    pub size: usize,
    #[command(flatten)]
    pub link: LinkArgs,
    /// Give up when the lookup or the final reply takes longer than TIME
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = positive)]
    pub timeout: Duration,
}

/// The largest size of an IP packet before fragmentation, in bytes.
const LONGEST: usize = 65_535;
/// The largest number of requests that can wait for a reply. If more requests would wait, the oldest is treated as
/// lost.
const OUTSTANDING: usize = 1024;

/// Memory for a resolver. The UDP port holds several queries and replies. The TCP connections receive replies that are
/// too long for UDP.
const SIZES: Sizes = Sizes { connections: 4, receive: 65_537, send: 512, ports: 1, datagrams: 16, payload: 16_384 };

/// Runs `smolstep ping` and returns whether any reply arrived.
///
/// # Errors
/// The error's message is one line for the user.
pub fn ping(args: &PingArgs) -> Result<bool, Failure> {
    let link = args.link.link(Side::Client)?;
    let device = link.open()?;
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.link.pcap.as_deref())?;
    let stop = Stop::on_signals().map_err(Failure::run)?;
    let mut io = Io { device, console: Stdio::new(), probe: watch };
    let result = run(args, &link, clock, stop, &mut io);
    // Complete the capture even if the run has failed.
    io.probe.finish()?;
    result
}

/// Creates the stack, exchanges the echoes, and releases the DHCP lease. Returns whether any reply arrived.
fn run(
    args: &PingArgs,
    link: &Link,
    clock: Clock,
    mut stop: Stop,
    io: &mut Io<TunTap, Stdio, Watch>,
) -> Result<bool, Failure> {
    // These buffers are declared before the stack, which borrows them.
    let mut socket = [SocketStorage::EMPTY];
    let mut packets = [PacketMetadata::EMPTY; 32];
    // Room for two messages in each direction.
    let mut bytes = vec![0; 4 * (args.size.min(LONGEST) + ECHO_HEADER)];
    let mut pool = HeapPool::new(SIZES);
    let mut stack: Stack<'_, WithQuery<()>, WithResolver<()>> =
        link.stack(&mut io.device, pool.memory(), clock.now(), |_| {})?;
    let echo = EchoMemory { socket: &mut socket, packets: &mut packets, bytes: &mut bytes };
    let result = exchange_echoes(args, link, clock, &mut stop, echo, &mut stack, io);
    stack.release_lease(clock.now(), io);
    result
}

/// Looks up the host, then sends requests and shows the replies until the run is over. Returns whether any reply
/// arrived.
fn exchange_echoes<'a>(
    args: &PingArgs,
    link: &Link,
    clock: Clock,
    stop: &mut Stop,
    memory: EchoMemory<'a>,
    stack: &mut Stack<'a, WithQuery<()>, WithResolver<()>>,
    io: &mut Io<TunTap, Stdio, Watch>,
) -> Result<bool, Failure> {
    let lookup = Lookup { link, patience: args.timeout, thorough: false };
    let addresses = lookup.addresses(&args.host, stack, io, &clock, stop)?;
    // The list contains at least one address, best first.
    let Some(&address) = addresses.first() else { return Ok(false) };
    check_size(args.size, address)?;

    let ident = getrandom::u32().map_err(|error| Failure::run(format_args!("no entropy: {error}")))?;
    stack.open_echo(memory, ident as u16);
    let mut ping = Ping::new(args, address, clock);
    say_line(format_args!("PING {} ({address}): {} bytes of data", args.host, args.size))?;
    let timer = Timer::new()?;
    let mut result = Ok(true);
    // A signal also ends the loop. The summary follows in either case.
    drive(stack, io, &clock, &mut Alarm { stop, timer: &timer }, |stack| {
        // Return true at the end of the run or at an error, so that the loop ends.
        result = ping.advance(stack, &timer);
        !matches!(result, Ok(true))
    })?;
    result?;
    let heard = ping.show_summary()?;
    // A request that still waits could not be sent. Usually, no host has answered ARP or NDP.
    if !heard && stack.echo_waits() {
        return Err(Failure::run(unanswered(link, stack, address.into())));
    }
    Ok(heard)
}

/// One run of `ping`.
struct Ping<'p> {
    args: &'p PingArgs,
    address: IpAddr,
    clock: Clock,
    start: Instant,
    sent: u32,
    received: u32,
    duplicates: u32,
    /// The number of requests that were lost because of an ICMP error or an unanswered ARP or NDP request.
    errors: u32,
    /// The time at which the most recent request was sent.
    last_sent: Instant,
    /// The time at which to send the next request.
    send_at: Instant,
    /// The time at which each unanswered request was sent, by the request's number.
    outstanding: BTreeMap<u32, Instant>,
    /// The minimum round-trip time, in milliseconds.
    least: f64,
    /// The maximum round-trip time, in milliseconds.
    most: f64,
    /// The sum of the round-trip times, in milliseconds.
    sum: f64,
}

impl<'p> Ping<'p> {
    /// Begins a run in which the first request is sent immediately.
    fn new(args: &'p PingArgs, address: IpAddr, clock: Clock) -> Self {
        let start = clock.now();
        Ping {
            args,
            address,
            clock,
            start,
            sent: 0,
            received: 0,
            duplicates: 0,
            errors: 0,
            last_sent: start,
            send_at: start,
            outstanding: BTreeMap::new(),
            least: f64::INFINITY,
            most: 0.0,
            sum: 0.0,
        }
    }

    /// Shows new replies and ICMP errors, and sends a request if one is due. Sets `timer` to the time of the next call.
    /// Returns false once the run is over.
    fn advance<'a>(
        &mut self,
        stack: &mut Stack<'a, WithQuery<()>, WithResolver<()>>,
        timer: &Timer,
    ) -> Result<bool, Failure> {
        while let Some(echo) = stack.take_echo() {
            self.show_reply(&echo)?;
        }
        while let Some(refusal) = stack.take_refusal() {
            self.show_refusal(&refusal)?;
        }
        let now = self.clock.now();
        let has_more = self.args.count.is_none_or(|count| self.sent < count);
        if has_more && now >= self.send_at {
            self.send(stack, now)?;
            // The stack sends the request at the next poll. The timer makes the loop poll immediately.
            timer.set(&self.clock, Some(now))?;
            return Ok(true);
        }
        // The wait for the final reply ends after --timeout.
        let end = self.last_sent + self.args.timeout.into();
        if !has_more && (self.outstanding.is_empty() || now >= end) {
            return Ok(false);
        }
        timer.set(&self.clock, Some(if has_more { self.send_at } else { end }))?;
        Ok(true)
    }

    /// Sends the next request, or shows that no host answers ARP or NDP for the address.
    fn send(&mut self, stack: &mut Stack<'_, WithQuery<()>, WithResolver<()>>, now: Instant) -> Result<(), Failure> {
        self.sent = self.sent.wrapping_add(1);
        self.last_sent = now;
        // If this request is late, the requests that should have followed meanwhile are skipped.
        self.send_at = (self.send_at + self.args.interval.into()).max(now);
        match stack.send_echo(self.address.into(), self.sent as u16, self.args.size) {
            Ok(()) => {}
            // An earlier request still waits, usually for the answer to ARP or NDP.
            Err(EchoError::Waiting) => {
                let number = self.sent;
                self.errors += 1;
                return say_line(format_args!(
                    "no host answers at {}: icmp_seq={number} is lost",
                    stack.next_hop(self.address.into()).unwrap_or(self.address.into())
                ));
            }
            Err(EchoError::TooLong) => return Err(Failure::usage("the data is too long")),
            Err(EchoError::Unreachable(_)) => return Err(no_route(&self.address.into())),
        }
        self.outstanding.insert(self.sent, now);
        // Stop waiting for the oldest reply if too many are missing.
        if self.outstanding.len() > OUTSTANDING {
            self.outstanding.pop_first();
        }
        Ok(())
    }

    /// Shows a reply and adds its round-trip time to the statistics. A reply to a request that is not outstanding
    /// counts as a duplicate and has no round-trip time.
    fn show_reply(&mut self, echo: &Echo) -> Result<(), Failure> {
        // A reply contains only the lower 16 bits of the request's number.
        let number = self.outstanding.keys().copied().find(|number| *number as u16 == echo.seq);
        let sent = number.and_then(|number| self.outstanding.remove(&number));
        let mut line = format!(
            "{} bytes from {}: icmp_seq={} ttl={}",
            echo.len + ECHO_HEADER,
            echo.from,
            echo.seq,
            echo.hop_limit
        );
        match sent {
            Some(sent) => {
                let millis = (echo.at - sent).total_micros() as f64 / 1e3;
                self.received += 1;
                self.least = self.least.min(millis);
                self.most = self.most.max(millis);
                self.sum += millis;
                // Writing to a string cannot fail.
                let _ = write!(line, " time={millis:.3} ms");
            }
            None => {
                self.duplicates += 1;
                line.push_str(" (a duplicate, or too late)");
            }
        }
        if !echo.intact || echo.len != self.args.size {
            line.push_str(" (differs from the request)");
        }
        say_line(line)
    }

    /// Shows the ICMP error about a request and stops waiting for the request's reply.
    fn show_refusal(&mut self, refusal: &EchoRefusal) -> Result<(), Failure> {
        // Ignore an error about another address.
        if refusal.to != self.address.into() {
            return Ok(());
        }
        // An ICMP error contains only the lower 16 bits of the request's number.
        let number = self.outstanding.keys().copied().find(|number| *number as u16 == refusal.seq);
        let sent = number.and_then(|number| self.outstanding.remove(&number));
        // Ignore an error about a request that was never sent, or that has its reply or an error already.
        if sent.is_none() {
            return Ok(());
        }
        self.errors += 1;
        say_line(format_args!("From {}: icmp_seq={} {}", refusal.from, refusal.seq, refusal.why))
    }

    /// Shows the statistics and returns whether any reply arrived.
    fn show_summary(&self) -> Result<bool, Failure> {
        let sent = self.sent;
        let lost = sent.saturating_sub(self.received);
        let percent = if sent == 0 { 0.0 } else { f64::from(lost) * 100.0 / f64::from(sent) };
        let millis = (self.clock.now() - self.start).total_millis();
        let received = self.received;
        say_line(format_args!("--- {} ping statistics ---", self.args.host))?;
        let mut line = format!("{sent} packets transmitted, {received} received, {percent:.0}% lost, time {millis} ms");
        if self.duplicates > 0 {
            let _ = write!(line, ", {} duplicates", self.duplicates);
        }
        if self.errors > 0 {
            let _ = write!(line, ", errors for {}", self.errors);
        }
        say_line(line)?;
        if received > 0 {
            let (least, mean, most) = (self.least, self.sum / f64::from(received), self.most);
            say_line(format_args!("round trip min/avg/max = {least:.3}/{mean:.3}/{most:.3} ms"))?;
        }
        Ok(received > 0)
    }
}

/// Checks that `size` bytes of data fit into an echo request to `address`.
fn check_size(size: usize, address: IpAddr) -> Result<(), Failure> {
    let ip_header = if address.is_ipv4() { 20 } else { 40 };
    let longest = LONGEST - ip_header - ECHO_HEADER;
    if size > longest {
        return Err(Failure::usage(format_args!("--size {size} is too long: at most {longest} bytes go to {address}")));
    }
    Ok(())
}

/// Parses seconds, with or without a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("it must be a number of seconds, from 0.001 to 86400, as in 0.5".into()),
    }
}
