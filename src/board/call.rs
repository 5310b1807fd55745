//! The client firmware: looks up its server, runs the client program against it, and exits with the result.

#[cfg(feature = "dhcp")]
use core::fmt::Display;
use core::net::IpAddr;

use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint};

#[cfg(feature = "dhcp")]
use super::network::Taken;
use super::network::{announce, config};
use super::run::{drive, start};
use super::settings::{self, Host};
use super::{Board, Machine, Terminal};
use crate::app::{Client, ClientOptions, Failure, Program};
use crate::names::{Addresses, DialStep, Dialler, Name, Resolver, SERVERS};
use crate::stack::{ConnectError, ConnectionId, DisplayEndpoint, End, Io, Memory, Phase, Pool, Stack, UdpSession};
use crate::trace::LogProbe;

/// The size of a connection's receive buffer and of its send buffer, in bytes.
const SEGMENT: usize = 1472;

/// The timeout of each step: getting an address, looking up the name, connecting, and waiting for a reply.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout for connecting to an address of a name if the name has another address to try.
const NEXT_AFTER: Duration = Duration::from_secs(2);

/// The size of the buffer for a lookup's two queries, in bytes. Each message has up to 512 bytes (RFC 1035 section
/// 4.2.1). The buffer for the two replies has the same size.
const LOOKUP: usize = 2 * 512;

/// Runs a program's client against its server, then makes QEMU exit with the result.
///
/// The client's output goes to the console. The build's SMOLSTEP_SERVER names the server's host. The port is `port`,
/// unless SMOLSTEP_SERVER names another one. Without QEMU or a debugger, the exit is a fault, and the board restarts.
///
/// # Panics
/// Panics for the same reasons as [`serve`](super::serve).
pub fn call<B: Board>(program: Program, port: u16, texts: &[&[u8]]) -> ! {
    let port = settings::PORT.unwrap_or(port);
    let clock = B::Machine::start();
    let io = start::<B>();
    B::Machine::exit(match settings::SERVER {
        // The numbers of a `Pool` are the connections, the sizes of their buffers, the UDP ports, and each port's
        // datagrams and bytes. Only the resolver needs a UDP port.
        Host::Address(address) => {
            let mut pool = Pool::<Client<'_>, (), 2, SEGMENT, SEGMENT, 0, 0, 0>::new();
            Caller::new(pool.memory(), io, clock, program, texts).call_address(IpEndpoint::new(address, port))
        }
        Host::Name(host) => {
            let mut pool = Pool::<Client<'_>, Resolver, 2, SEGMENT, SEGMENT, 1, 2, LOOKUP>::new();
            Caller::new(pool.memory(), io, clock, program, texts).call_name(host, port)
        }
    })
}

/// A stack with its device, console and clock, and the client program with its messages.
struct Caller<'c, B: Board, U> {
    stack: Stack<'c, Client<'c>, U>,
    io: Io<B::Ethernet, Terminal<B>, LogProbe>,
    clock: B::Machine,
    program: Program,
    texts: &'c [&'c [u8]],
}

impl<'c, B: Board, U: UdpSession> Caller<'c, B, U> {
    /// Creates the stack with the settings of the build, and announces the board's addresses. Panics if the stack
    /// cannot be set up.
    fn new(
        memory: Memory<'c, Client<'c>, U>,
        mut io: Io<B::Ethernet, Terminal<B>, LogProbe>,
        mut clock: B::Machine,
        program: Program,
        texts: &'c [&'c [u8]],
    ) -> Self {
        let stack = match Stack::new(config(B::entropy), &mut io.device, memory, clock.now()) {
            Ok(stack) => stack,
            Err(error) => panic!("{error}"),
        };
        announce(&mut io.device, clock.now());
        Caller { stack, io, clock, program, texts }
    }

    /// Runs the client against `remote` once the stack has a route to it. Returns true on success.
    fn call_address(&mut self, remote: IpEndpoint) -> bool {
        // With DHCP, the route can arrive after the start.
        #[cfg(feature = "dhcp")]
        if !self.wait(|stack| reaches(stack, remote)) {
            self.say_what_is_missing(DisplayEndpoint(remote));
            return false;
        }
        // A single address needs no `Dialler`, which would take 1 KB of flash.
        match self.begin(remote, TIMEOUT) {
            Ok(id) => {
                let (succeeded, _end) = self.finish(id, remote, |_| ());
                succeeded
            }
            Err(_) => false,
        }
    }

    /// Begins a connection to `remote`, which must be established within `timeout`.
    ///
    /// If the connection cannot begin, logs the error and returns it.
    fn begin(&mut self, remote: IpEndpoint, timeout: Duration) -> Result<ConnectionId, ConnectError> {
        let options = ClientOptions { texts: self.texts, timeout: Some(TIMEOUT), ..ClientOptions::default() };
        let Some(client) = self.program.app().client(&options) else { panic!("{:?} has no TCP client", self.program) };
        let begun = self.stack.connect(self.clock.now(), remote, client, timeout, &mut self.io);
        begun.inspect_err(|error| log::error!("{}: {error}", DisplayEndpoint(remote)))
    }

    /// Polls until the connection `id` ends, and logs the result. Calls `each` with the stack after each poll.
    ///
    /// Returns whether the call succeeded and how the connection ended. The second value is `None` if the stack no
    /// longer knows the connection.
    fn finish(
        &mut self,
        id: ConnectionId,
        remote: IpEndpoint,
        mut each: impl FnMut(&Stack<'c, Client<'c>, U>),
    ) -> (bool, Option<End>) {
        drive::<B, _, _, _, _>(&mut self.stack, &mut self.io, &mut self.clock, Terminal::listen, |stack, _| {
            each(stack);
            stack.ended(id).is_some()
        });
        let (result, end) = match self.stack.take(id) {
            // If the program has no result, it has failed because the connection ended.
            Some((client, end)) => (client.result().unwrap_or(Err(Failure::Ended(end))), Some(end)),
            // The stack no longer knows the connection.
            None => (Err(Failure::TooEarly), None),
        };
        match result {
            Ok(()) => log::info!("done"),
            Err(why) => log::error!("{}: {why}", DisplayEndpoint(remote)),
        }
        (result.is_ok(), end)
    }

    /// Polls until `ready` returns true, for at most [`TIMEOUT`] plus one period of the timer. Also logs each of the
    /// board's addresses that another host uses.
    ///
    /// Returns whether `ready` returned true.
    #[cfg(feature = "dhcp")]
    fn wait(&mut self, ready: impl Fn(&Stack<'c, Client<'c>, U>) -> bool) -> bool {
        let until = self.clock.now() + TIMEOUT;
        let (mut is_ready, mut taken) = (false, Taken::default());
        drive::<B, _, _, _, _>(&mut self.stack, &mut self.io, &mut self.clock, Terminal::listen, |stack, now| {
            taken.report(stack);
            is_ready = ready(stack);
            is_ready || now >= until
        });
        is_ready
    }

    /// Returns whether DHCP is on but the board has no IPv4 address yet.
    #[cfg(feature = "dhcp")]
    fn lacks_lease(&self) -> bool {
        settings::DHCP && !self.stack.addresses().iter().any(|own| matches!(own.address(), IpAddress::Ipv4(_)))
    }

    /// Logs why `what` cannot be reached.
    #[cfg(feature = "dhcp")]
    fn say_what_is_missing(&self, what: impl Display) {
        if self.lacks_lease() {
            log::error!("{what}: no lease from a DHCP server within {} s", TIMEOUT.secs());
        } else {
            log::error!("{what}: no route within {} s", TIMEOUT.secs());
        }
    }
}

impl<'c, B: Board> Caller<'c, B, Resolver> {
    /// Runs the client against the first address of `host` to which it can connect. Returns true on success.
    fn call_name(&mut self, host: &str, port: u16) -> bool {
        let mut dialler = Dialler::to_name(port, TIMEOUT, NEXT_AFTER).one_at_a_time();
        let mut done = false;
        loop {
            match dialler.next(self.clock.now()) {
                // `find` looks up the name and adds its addresses to `dialler`. If no address is reachable, no step is
                // left.
                DialStep::Resolve if self.find(host, port, &mut dialler) => dialler.resolved(),
                DialStep::Connect { remote, patience } => {
                    let begun = self.begin(remote, patience);
                    dialler.begun(self.clock.now(), remote, begun);
                    let Ok(id) = begun else { continue };
                    let (is_done, end) = self.finish(id, remote, |stack| {
                        // Only one connection is open at a time, so an established connection is `id`.
                        if stack.connections_in_use().any(|c| !matches!(c.phase, Phase::Connecting | Phase::Ended(_))) {
                            dialler.established(id);
                        }
                    });
                    done = is_done;
                    if let Some(end) = end {
                        dialler.ended(id, end);
                    }
                }
                // No connection is open at this point, so there is nothing to wait for.
                DialStep::Resolve | DialStep::Wait(_) | DialStep::Done => return done,
            }
        }
    }

    /// Looks up `host` and adds its reachable addresses to `dialler`.
    ///
    /// If no address is reachable, logs an error and returns false.
    fn find(&mut self, host: &str, port: u16, dialler: &mut Dialler) -> bool {
        let Some(addresses) = self.resolve(host) else { return false };
        let remotes = || addresses.in_order().filter_map(address).map(|address| IpEndpoint::new(address, port));
        // The lookup can end before the DHCP lease arrives, because a router can name a DNS server. So wait for a
        // route.
        #[cfg(feature = "dhcp")]
        self.wait(|stack| remotes().any(|remote| reaches(stack, remote)));
        let mut found = false;
        for remote in remotes().filter(|&remote| reaches(&self.stack, remote)) {
            dialler.add(remote.addr);
            found = true;
        }
        if !found {
            log::error!("{host}: no route to any of its addresses");
        }
        found
    }

    /// Looks up the addresses of `host`. If this fails, logs the error and returns `None`.
    fn resolve(&mut self, host: &str) -> Option<Addresses> {
        let servers = self.servers(host)?;
        let name = Name::new(host).inspect_err(|error| log::error!("bad host '{host}': {error}")).ok()?;
        // A random id for each of the two queries makes it hard to forge a reply. Each id is half of a random word.
        let drawn = self.stack.draw();
        let ids = [drawn as u16, (drawn >> 16) as u16];
        // The board reaches IPv6 addresses only with the feature `ipv6`, and IPv4 addresses always.
        let resolver = Resolver::new(name, &servers, TIMEOUT, ids).reaching(cfg!(feature = "ipv6"), true);
        // Port 0 means any free port.
        let port = self.stack.bind_unreported(0, resolver).inspect_err(|error| log::error!("{host}: {error}")).ok()?;
        // Poll until the resolver has ended.
        let mut over = None;
        drive::<B, _, _, _, _>(&mut self.stack, &mut self.io, &mut self.clock, Terminal::listen, |stack, _| {
            over = stack.take_udp(port);
            over.is_some()
        });
        match over?.result()? {
            Ok(addresses) => Some(addresses.clone()),
            Err(error) => {
                log::error!("{host}: {error}");
                None
            }
        }
    }

    /// Returns the DNS servers from the build, DHCP and routers. With the feature `dhcp`, first waits until a DNS
    /// server is reachable.
    ///
    /// If no DNS server becomes reachable in time, logs the reason and returns `None`.
    fn servers(&mut self, _host: &str) -> Option<heapless::Vec<IpAddress, SERVERS>> {
        // `_host` and `_stack` are used only with DHCP.
        let known = |_stack: &Stack<'_, _, _>| {
            let given = settings::DNS.iter().copied();
            #[cfg(feature = "dhcp")]
            let given = given.chain(_stack.dns_servers());
            // Ignores servers beyond the limit.
            given.take(SERVERS).collect::<heapless::Vec<_, SERVERS>>()
        };
        #[cfg(feature = "dhcp")]
        if !self.wait(|stack| known(stack).iter().any(|&server| reaches(stack, IpEndpoint::new(server, 53)))) {
            if !self.lacks_lease() && known(&self.stack).is_empty() {
                log::error!(
                    "{_host}: nobody names a DNS server within {} s: build it with SMOLSTEP_DNS",
                    TIMEOUT.secs()
                );
            } else {
                self.say_what_is_missing(_host);
            }
            return None;
        }
        Some(known(&self.stack))
    }
}

/// Returns whether the stack has a source address and a route for `remote`.
fn reaches<U: UdpSession>(stack: &Stack<'_, Client<'_>, U>, remote: IpEndpoint) -> bool {
    stack.source_for(remote).is_ok()
}

/// Converts an address to smoltcp's type. Returns `None` for an IPv6 address if the build lacks the feature `ipv6`.
fn address(address: IpAddr) -> Option<IpAddress> {
    match address {
        IpAddr::V4(address) => Some(address.into()),
        #[cfg(feature = "ipv6")]
        IpAddr::V6(address) => Some(address.into()),
        #[cfg(not(feature = "ipv6"))]
        IpAddr::V6(_) => None,
    }
}
