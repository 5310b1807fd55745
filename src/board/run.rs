//! Whole firmwares: servers of every program, and a client.

use core::cell::Cell;
use core::fmt::Write;

use smoltcp::iface::SocketStorage;
use smoltcp::phy::{Device, TxToken};
use smoltcp::socket::udp::PacketMetadata;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, HardwareAddress,
    IpAddress, IpCidr, IpEndpoint,
};

use super::clock::Clock;
use super::fault::reset;
use super::semihosting::exit;
use super::{Board, Terminal, Uart, settings};
use crate::app::{self, APPS, App, ClientOptions, Desk, Options, Room, Service, Status, Transport};
use crate::phy::Ethernet;
use crate::stack::{
    Config, Console, Io, Links, Listener, Memory, Pool, Port, Probe, Seed, Session, Shown, Slot, Stack, UdpSession,
};
use crate::trace::LogProbe;

/// The longest datagram, in bytes. Each UDP port holds one each way, no longer than its program needs.
const PAYLOAD: usize = 1472;

/// The lines that a chat room keeps, in bytes: twice the longest, written in letters.
const ROOM: usize = 1024;

/// How long a call may take to connect, and each reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves every program that is not large, to `N` connections with `RX` bytes to receive and `TX` to send each.
///
/// # Panics
/// If the memory or the controller is not what the board says: there is nothing to be done then but to say so.
pub fn serve<B: Board, const N: usize, const RX: usize, const TX: usize>() -> ! {
    const UDP: (usize, usize) = udp_needs(false);
    let options = Options::default();
    serve_programs::<B, _, _, _, N, RX, TX, { UDP.0 }, { 2 * UDP.0 }, { UDP.1 }>(
        Clock::start(),
        false,
        LogProbe::default(),
        |app| app.basic_server(&options),
        |app| app.basic_udp_server(&options),
    )
}

/// The same with the large programs: chat, which is a room here that the console takes part in, and http.
///
/// # Panics
/// As [`serve`].
pub fn serve_all<B: Board, const N: usize, const RX: usize, const TX: usize>() -> ! {
    const UDP: (usize, usize) = udp_needs(true);
    let mut clock = Clock::<B>::start();
    let rows = [const { Cell::new(None) }; N];
    let status = Status::new(&rows, clock.now());
    for App { name, tcp, udp, .. } in APPS {
        for (transport, port) in [(Transport::Tcp, tcp), (Transport::Udp, udp)] {
            port.into_iter().for_each(|port| status.serves(Service { name, transport, port }));
        }
    }
    let (desk, lines) = (Desk::default(), [const { Cell::new(0) }; ROOM]);
    let room = Room::new(&lines, Some(&desk));
    let options = Options { status: Some(&status), desk: Some(&desk), room: Some(&room), ..Options::default() };
    serve_programs::<B, _, _, _, N, RX, TX, { UDP.0 }, { 2 * UDP.0 }, { UDP.1 }>(
        clock,
        true,
        (LogProbe::default(), &status),
        |app| app.server(&options),
        |app| app.udp_server(&options),
    )
}

/// How many UDP ports the programs have, and how many bytes for datagrams.
const fn udp_needs(large: bool) -> (usize, usize) {
    let (mut ports, mut bytes, mut at) = (0, 0, 0);
    while at < APPS.len() {
        let app = &APPS[at];
        if app.udp.is_some() && (large || !app.large) {
            ports += 1;
            bytes += least(app.udp_room.0, PAYLOAD) + least(app.udp_room.1, PAYLOAD);
        }
        at += 1;
    }
    (ports, bytes)
}

/// `Ord::min`, which cannot be called in a constant.
const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// Serves the programs that `tcp` and `udp` make sessions for, on `UDP` UDP ports with `HEADERS` headers and `BYTES` bytes for
/// their datagrams, with `probe` watching.
fn serve_programs<
    B: Board,
    S: Session + Clone,
    U: UdpSession,
    P: Probe,
    const N: usize,
    const RX: usize,
    const TX: usize,
    const UDP: usize,
    const HEADERS: usize,
    const BYTES: usize,
>(
    mut clock: Clock<B>,
    large: bool,
    probe: P,
    tcp: impl Fn(&App) -> Option<S>,
    udp: impl Fn(&App) -> Option<U>,
) -> ! {
    let Io { device, console, .. } = start::<B>();
    let mut io = Io { device, console, probe };
    // On the stack: as statics, the sockets would take as much flash. Each by itself: a `Pool` would be made in one place and
    // moved to another.
    let mut slots = [const { Slot::EMPTY }; N];
    let mut links = [Links::EMPTY; N];
    let mut sockets = [SocketStorage::EMPTY; N];
    let mut receive = [[0; RX]; N];
    let mut send = [[0; TX]; N];
    let mut ports = [const { Port::EMPTY }; UDP];
    let mut port_sockets = [SocketStorage::EMPTY; UDP];
    let mut datagrams = [PacketMetadata::EMPTY; HEADERS];
    let mut payloads = [0; BYTES];
    let mut scratch = [0; PAYLOAD];
    let memory = Memory {
        slots: &mut slots,
        links: &mut links,
        sockets: &mut sockets,
        receive: receive.as_flattened_mut(),
        send: send.as_flattened_mut(),
        ports: &mut ports,
        port_sockets: &mut port_sockets,
        datagrams: &mut datagrams,
        payloads: &mut payloads,
        scratch: &mut scratch,
    };
    let addresses = addresses();
    let mut stack = match Stack::new(config(&addresses), &mut io.device, memory, clock.now()) {
        Ok(stack) => stack,
        Err(error) => panic!("{error}"),
    };
    for app in served(large) {
        let (Some(port), Some(session)) = (app.tcp, tcp(app)) else { continue };
        if let Err(error) = stack.listen(Listener::new(port, session)) {
            log::error!("{} on TCP port {port}: {error}", app.name);
        }
    }
    for app in served(large) {
        let (Some(port), Some(session)) = (app.udp, udp(app)) else { continue };
        let (receive, send) = app.udp_room;
        if let Err(error) = stack.bind_sized(port, session, receive.min(PAYLOAD), send.min(PAYLOAD)) {
            log::error!("{} on UDP port {port}: {error}", app.name);
        }
    }
    announce(&mut io.device, clock.now());
    if let Some(address) = settings::ADDRESS {
        listening::<B>(address.address().into(), large);
    }
    #[cfg(feature = "dhcp")]
    let mut known = settings::ADDRESS.map(|address| address.address().into());
    drive(&mut stack, &mut io, &mut clock, Terminal::listen, |_stack| {
        #[cfg(feature = "dhcp")]
        {
            let address = _stack.addresses().first().map(IpCidr::address);
            if address != core::mem::replace(&mut known, address) {
                address.into_iter().for_each(|address| listening::<B>(address, large));
            }
        }
        false
    });
    unreachable!("a server is never done")
}

/// Calls the server of a program, prints what its client prints, and ends QEMU with the result; on a board without a debugger,
/// stops.
///
/// # Panics
/// As [`serve`].
pub fn call<B: Board>(name: &str, remote: IpEndpoint, texts: &[&[u8]]) -> ! {
    let mut clock = Clock::<B>::start();
    let mut io = start::<B>();
    let mut pool = Pool::<app::Client<'_>, (), 2, PAYLOAD, PAYLOAD, 0, 0, 0>::new();
    let addresses = addresses();
    let mut stack = match Stack::new(config(&addresses), &mut io.device, pool.memory(), clock.now()) {
        Ok(stack) => stack,
        Err(error) => panic!("{error}"),
    };
    announce(&mut io.device, clock.now());
    #[cfg(feature = "dhcp")]
    drive(&mut stack, &mut io, &mut clock, Terminal::listen, |stack| !stack.addresses().is_empty());
    let options = ClientOptions { texts, timeout: Some(PATIENCE), ..ClientOptions::default() };
    let Some(client) = app::find(name).and_then(|app| app.client(&options)) else { panic!("no program {name}") };
    let id = match stack.connect(clock.now(), remote, client, PATIENCE, &mut io) {
        Ok(id) => id,
        Err(error) => panic!("{error}"),
    };
    drive(&mut stack, &mut io, &mut clock, Terminal::listen, |stack| stack.ended(id).is_some());
    let result = match stack.take(id) {
        Some((client, end)) => client.result().unwrap_or(Err(app::Failure::Ended(end))),
        None => Err(app::Failure::TooEarly),
    };
    match result {
        Ok(()) => log::info!("done"),
        Err(why) => log::error!("{}: {why}", Shown(remote)),
    }
    exit(result.is_ok())
}

fn start<B: Board>() -> Io<B::Ethernet, Terminal<B>, LogProbe> {
    B::start();
    Uart::<B>::NEW.log();
    match B::ethernet(settings::HARDWARE) {
        Ok(device) => Io { device, console: Terminal::new(), probe: LogProbe::default() },
        Err(error) => {
            log::error!("{error}");
            reset()
        }
    }
}

/// The address of the build, unless a DHCP server is to give one.
pub(super) fn addresses() -> heapless::Vec<IpCidr, 1> {
    settings::ADDRESS.map(IpCidr::Ipv4).into_iter().collect()
}

pub(super) fn config(addresses: &[IpCidr]) -> Config<'_> {
    #[allow(unused_mut, reason = "without DHCP there is nothing to add")]
    let mut config = Config::new(HardwareAddress::Ethernet(settings::HARDWARE), Seed(settings::SEED), addresses);
    #[cfg(feature = "dhcp")]
    {
        config.dhcp = addresses.is_empty();
    }
    config
}

/// The programs of a firmware.
fn served(large: bool) -> impl Iterator<Item = &'static App> {
    APPS.iter().filter(move |app| large || !app.large)
}

/// Says what listens on an address.
fn listening<B: Board>(address: IpAddress, large: bool) {
    let mut uart = Uart::<B>::NEW;
    let mut say = |transport, port, name| {
        // The console drops what it cannot take; it never fails.
        let _ = writeln!(uart, "listening {transport} {} {name}", Shown(IpEndpoint::new(address, port)));
    };
    served(large).for_each(|app| app.tcp.iter().for_each(|&port| say("tcp", port, app.name)));
    served(large).for_each(|app| app.udp.iter().for_each(|&port| say("udp", port, app.name)));
}

/// Polls and sleeps until `done`. `listen` takes in what the console has, and says whether the programs are to look at it.
pub(super) fn drive<'a, B: Board, S: Session + Clone, U: UdpSession, C: Console, P: Probe>(
    stack: &mut Stack<'a, S, U>,
    io: &mut Io<B::Ethernet, C, P>,
    clock: &mut Clock<B>,
    listen: impl Fn(&mut C) -> bool,
    mut done: impl FnMut(&mut Stack<'a, S, U>) -> bool,
) {
    let (mut told, mut quiet_until) = (io.device.faults(), Instant::ZERO);
    while !done(stack) {
        io.device.acknowledge();
        if listen(&mut io.console) {
            stack.wake_programs();
        }
        // After that: an interrupt that a device still asks for cannot be forgotten, and would end the next sleep at once.
        clock.forget_interrupts();
        let deadline = stack.poll(clock.now(), io);
        let faults = io.device.faults();
        if faults != told {
            let now = clock.now();
            // Once a second: whoever sends such frames must not keep the board busy with writing.
            if now >= quiet_until {
                told = faults;
                quiet_until = now + Duration::from_secs(1);
                log::warn!(
                    "so far {} frames received bad, {} with a wrong checksum, and {} lost",
                    faults.bad,
                    faults.checksums,
                    faults.overruns
                );
            }
        }
        clock.sleep(deadline);
    }
}

/// Tells the link who is here (RFC 5227 section 3): a peer that asked too early would wait a second or more to ask again. Not
/// where DHCP gives the address, which the stack announces.
pub(super) fn announce<D: Device>(device: &mut D, now: Instant) {
    let Some(address) = settings::ADDRESS.map(|address| address.address()) else { return };
    let Some(token) = device.transmit(now) else { return };
    let ethernet = EthernetRepr {
        src_addr: settings::HARDWARE,
        dst_addr: EthernetAddress::BROADCAST,
        ethertype: EthernetProtocol::Arp,
    };
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: settings::HARDWARE,
        source_protocol_addr: address,
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: address,
    };
    token.consume(ethernet.buffer_len() + arp.buffer_len(), |bytes| {
        let mut frame = EthernetFrame::new_unchecked(bytes);
        ethernet.emit(&mut frame);
        arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    });
}
