//! The firmware that serves programs, and the poll loop of all firmware.

use core::array::from_fn;
use core::cell::Cell;
use core::fmt::Write;

use smoltcp::phy::Device;
use smoltcp::socket::udp::PacketMetadata;
use smoltcp::time::{Duration, Instant};
#[cfg(feature = "dhcp")]
use smoltcp::wire::IpCidr;
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::console::KEYBOARD;
#[cfg(feature = "dhcp")]
use super::network::Taken;
#[cfg(not(feature = "dhcp"))]
use super::network::each_address;
use super::network::{announce, config};
use super::{Board, Machine, Terminal, Uart, settings};
use crate::app::chat::Member;
use crate::app::{APPS, App, Basic, BasicUdp, Operator, Options, Program, Room, Service, Status, Transport, http};
use crate::phy::Ethernet;
use crate::stack::{
    Console, DisplayEndpoint, Io, KEPT, ListenError, Listener, Memory, NEIGHBOURS, Neighbour, Probe, SCRATCH, Session,
    SetupError, SlotIndex, Stack, TimeWaitRecord, UdpSession,
};
use crate::trace::LogProbe;

/// The longest datagram, in bytes. Each UDP port buffers one datagram in each direction. A buffer is shorter than
/// `PAYLOAD` if the port's program only uses shorter datagrams.
const PAYLOAD: usize = 1472;

/// The memory for the lines of a chat room, in bytes. The longest line fits if none of its characters is escaped.
const ROOM: usize = 1024;

/// The average length of the datagram buffers of [`serve`]'s UDP ports, in bytes. Each port has a receive buffer and a
/// send buffer.
pub const UDP_PAYLOAD: usize = {
    let (ports, bytes) = udp_needs(false);
    bytes.div_ceil(2 * ports)
};

/// Serves every program except the large ones (chat and http), and never returns.
///
/// `memory` must be large enough for these programs:
///
/// ```ignore
/// stack_memory!(static MEMORY:
///     tcp: [Basic<'static>; 8], receive: 1072, send: 1460,
///     udp: BasicUdp<'static>, datagrams: 1, payload: board::UDP_PAYLOAD);
/// ```
///
/// # Panics
/// Panics if the stack cannot be set up. The panic message is the text of the [`SetupError`].
pub fn serve<B: Board>(memory: Memory<'_, Basic<'static>, BasicUdp<'static>>) -> ! {
    let options = Options::default();
    serve_programs::<B, _, _, _>(
        B::Machine::start(),
        // `false` excludes the large programs.
        false,
        LogProbe::default(),
        memory,
        |app| app.basic_server(&options),
        |app| app.basic_udp_server(&options),
    )
}

/// Serves every program, including chat and http, to up to `N` connections, and never returns.
///
/// Chat is a room, and the console takes part in it. Each connection has a receive buffer of `RX` bytes and a send
/// buffer of `TX` bytes.
///
/// # Panics
/// Panics for the same reasons as [`serve`].
pub fn serve_all<B: Board, const N: usize, const RX: usize, const TX: usize>() -> ! {
    // The UDP ports of all programs, and the bytes that buffer their datagrams.
    const PORTS: usize = udp_needs(true).0;
    const PAYLOADS: usize = udp_needs(true).1;
    let mut clock = B::Machine::start();
    let rows = [const { Cell::new(None) }; N];
    let status = Status::new(&rows, clock.now());
    for App { name, tcp, udp, .. } in APPS {
        for (transport, port) in [(Transport::Tcp, tcp), (Transport::Udp, udp)] {
            port.into_iter().for_each(|port| status.serves(Service { name, transport, port }));
        }
    }
    let (operator, lines) = (Operator::default().with_keyboard(&KEYBOARD), [const { Cell::new(0) }; ROOM]);
    let names = [const { Cell::new(Room::NO_NAME) }; N];
    let room = Room::new(&lines, &names, Some(&operator));
    let options = Options { operator: Some(&operator), ..Options::default() };
    // The memory is on the call stack, because the sessions in it borrow `room` and `status`. Each part is a separate
    // variable. A `Pool` would be moved after it is built, and so take twice its size.
    let mut slots: [_; N] = defaults();
    let mut slot_index = [SlotIndex::default(); N];
    let mut sockets: [_; N] = defaults();
    let mut receive = [[0; RX]; N];
    let mut send = [[0; TX]; N];
    let mut time_wait = [[TimeWaitRecord::default(); 2]; N];
    let mut ports: [_; PORTS] = defaults();
    let mut port_sockets: [_; PORTS] = defaults();
    let mut datagrams = [PacketMetadata::EMPTY; 2 * PORTS];
    let mut payloads = [0; PAYLOADS];
    let mut neighbours = [Neighbour::default(); NEIGHBOURS];
    let mut kept = [0; KEPT];
    let mut scratch = [0; SCRATCH];
    let memory = Memory {
        slots: &mut slots,
        slot_index: &mut slot_index,
        sockets: &mut sockets,
        receive: receive.as_flattened_mut(),
        send: send.as_flattened_mut(),
        time_wait: time_wait.as_flattened_mut(),
        ports: &mut ports,
        port_sockets: &mut port_sockets,
        datagrams: &mut datagrams,
        payloads: &mut payloads,
        neighbours: &mut neighbours,
        kept: &mut kept,
        scratch: &mut scratch,
    };
    serve_programs::<B, _, _, _>(
        clock,
        // `true` includes the large programs.
        true,
        (LogProbe::default(), &status),
        memory,
        |app| match app.program {
            Program::Chat => Some(LargeServer::Member(Member::new(&room))),
            Program::Http => Some(LargeServer::Http(http::Server::new(&status))),
            _ => app.basic_server(&options).map(LargeServer::Basic),
        },
        |app| app.udp_server(&options),
    )
}

/// Returns an array of default values. This function is not inlined, because an inlined call would put the array on the
/// caller's call stack twice.
#[inline(never)]
fn defaults<T: Default, const N: usize>() -> [T; N] {
    from_fn(|_| T::default())
}

crate::sessions! {
    /// The TCP programs of [`serve_all`]. These are the programs of `app::Server`, but chat is always a room. So the
    /// code for conversations between two people takes no flash.
    #[derive(Clone)]
    enum LargeServer<'a> {
        Basic(Basic<'a>),
        Http(http::Server<'a>),
        Member(Member<'a>),
    }
}

/// Returns how many UDP ports the programs have and how many bytes these ports need to buffer datagrams.
///
/// If `large` is false, the large programs are excluded.
const fn udp_needs(large: bool) -> (usize, usize) {
    let (mut ports, mut bytes, mut at) = (0, 0, 0);
    // A `const fn` cannot use an iterator.
    while at < APPS.len() {
        let app = &APPS[at];
        if app.udp.is_some() && (large || !app.large) {
            ports += 1;
            let (receive, send) = app.udp_room;
            bytes += least(receive, PAYLOAD) + least(send, PAYLOAD);
        }
        at += 1;
    }
    (ports, bytes)
}

/// Returns the smaller number. `Ord::min` cannot be called in a constant.
const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// Serves each program with the session that `tcp` or `udp` creates for it, and never returns.
///
/// If `large` is false, the large programs are excluded. `probe` receives the stack's events.
fn serve_programs<B: Board, S: Session + Clone, U: UdpSession, P: Probe>(
    mut clock: B::Machine,
    large: bool,
    probe: P,
    memory: Memory<'_, S, U>,
    tcp: impl Fn(&App) -> Option<S>,
    udp: impl Fn(&App) -> Option<U>,
) -> ! {
    // The caller's probe replaces the probe of `start`.
    let Io { device, console, .. } = start::<B>();
    let mut io = Io { device, console, probe };
    // The stack is used in place, because a move would put it on the call stack twice.
    let mut made = make_stack::<B, _, _, _>(&mut io.device, memory, clock.now());
    let stack = match &mut made {
        Ok(stack) => stack,
        Err(error) => panic!("{error}"),
    };
    let report = |app: &App, transport, port, error: ListenError| {
        log::error!("{} on {transport} port {port}: {error}", app.name);
    };
    for app in programs_to_serve(large) {
        let (Some(port), Some(session)) = (app.tcp, tcp(app)) else { continue };
        if let Err(error) = stack.listen(Listener::new(port, session)) {
            report(app, "TCP", port, error);
        }
    }
    for app in programs_to_serve(large) {
        let (Some(port), Some(session)) = (app.udp, udp(app)) else { continue };
        let (receive, send) = app.udp_room;
        if let Err(error) = stack.bind_sized(port, session, receive.min(PAYLOAD), send.min(PAYLOAD)) {
            report(app, "UDP", port, error);
        }
    }
    announce(&mut io.device, clock.now());
    #[cfg(not(feature = "dhcp"))]
    {
        each_address(|address| print_listening::<B>(address.address(), large));
        // A server is never done.
        drive::<B, _, _, _, _>(stack, &mut io, &mut clock, Terminal::listen, |_, _| false);
    }
    #[cfg(feature = "dhcp")]
    {
        let (mut known, mut taken) = (Known::new(), Taken::default());
        drive::<B, _, _, _, _>(stack, &mut io, &mut clock, Terminal::listen, |stack, _| {
            report_listening::<B>(&mut known, stack.addresses(), large);
            taken.report(stack);
            false
        });
    }
    unreachable!("a server is never done")
}

/// Creates a stack. This function is not inlined, so that its temporary memory is free again before the stack runs.
#[inline(never)]
fn make_stack<'a, B: Board, D: Device, S: Session + Clone, U: UdpSession>(
    device: &mut D,
    memory: Memory<'a, S, U>,
    now: Instant,
) -> Result<Stack<'a, S, U>, SetupError> {
    Stack::new(config(B::entropy), device, memory, now)
}

/// Sets up the console, the log and the network controller. If the controller does not respond, restarts the board.
pub(super) fn start<B: Board>() -> Io<B::Ethernet, Terminal<B>, LogProbe> {
    B::start();
    Uart::<B>::NEW.log();
    match B::ethernet(settings::HARDWARE) {
        Ok(device) => Io { device, console: Terminal::new(Uart::NEW), probe: LogProbe::default() },
        Err(error) => {
            log::error!("{error}");
            B::Machine::reset()
        }
    }
}

/// Returns the programs to serve: all of them if `large`, otherwise those that are not large.
fn programs_to_serve(large: bool) -> impl Iterator<Item = &'static App> {
    APPS.iter().filter(move |app| large || !app.large)
}

/// Prints a line for each port on which the board listens at `address`.
fn print_listening<B: Board>(address: IpAddress, large: bool) {
    let mut uart = Uart::<B>::NEW;
    let mut say = |transport, port, name| {
        // The console drops bytes when it is full; it never fails.
        let _ = writeln!(uart, "listening {transport} {} {name}", DisplayEndpoint(IpEndpoint::new(address, port)));
    };
    programs_to_serve(large).for_each(|app| app.tcp.iter().for_each(|&port| say("tcp", port, app.name)));
    programs_to_serve(large).for_each(|app| app.udp.iter().for_each(|&port| say("udp", port, app.name)));
}

/// The addresses on which the board has reported that it listens. smoltcp stores at most 8 addresses (Cargo.toml).
#[cfg(feature = "dhcp")]
type Known = heapless::Vec<IpAddress, 8>;

/// Reports the addresses on which the board has begun or stopped listening.
#[cfg(feature = "dhcp")]
fn report_listening<B: Board>(known: &mut Known, addresses: &[IpCidr], large: bool) {
    let present = || addresses.iter().map(IpCidr::address);
    // The addresses have not changed.
    if present().eq(known.iter().copied()) {
        return;
    }
    for &gone in known.iter().filter(|&&one| present().all(|other| other != one)) {
        log::warn!("no longer listening on {gone}");
    }
    present().filter(|one| !known.contains(one)).for_each(|new| print_listening::<B>(new, large));
    *known = present().take(known.capacity()).collect();
}

/// The poll loop: polls and sleeps until `done` returns true.
///
/// `done` is called after each poll and before the sleep, because once the work is done, nothing might end the sleep.
/// `done` receives the stack and the time of the poll. `listen` reads the console's input, and returns whether to wake
/// the programs.
pub(super) fn drive<'a, B: Board, S: Session + Clone, U: UdpSession, C: Console, P: Probe>(
    stack: &mut Stack<'a, S, U>,
    io: &mut Io<B::Ethernet, C, P>,
    clock: &mut B::Machine,
    listen: impl Fn(&mut C) -> bool,
    mut done: impl FnMut(&mut Stack<'a, S, U>, Instant) -> bool,
) {
    // The counts of errors that were logged last, and the time before which no others are logged.
    let (mut logged, mut quiet_until) = (io.device.faults(), Instant::ZERO);
    // At first the link is taken to be up, so that a link that is up causes no log line.
    let (mut link_is_up, mut check_link_at) = (true, Instant::ZERO);
    loop {
        io.device.acknowledge();
        if listen(&mut io.console) {
            stack.wake_programs();
        }
        // The interrupts of the device and the console are acknowledged above. An unacknowledged interrupt would stay
        // pending and immediately end the next sleep.
        clock.forget_interrupts();
        let now = clock.now();
        // Reads the PHY only once a second, because a read takes long. The sleep below ends at least once a second.
        if now >= check_link_at {
            check_link_at = now + Duration::from_secs(1);
            let up = io.device.link_is_up();
            let was_up = core::mem::replace(&mut link_is_up, up);
            if was_up != up {
                log::warn!("the link is {}", if up { "up" } else { "down" });
                stack.link_changed(now, up);
                if up {
                    announce(&mut io.device, now);
                }
            }
        }
        let deadline = stack.poll(now, io);
        if done(stack, now) {
            return;
        }
        let faults = io.device.faults();
        // Logs at most one line a second, so that a sender of bad frames cannot keep the board busy with log output.
        if faults != logged && now >= quiet_until {
            logged = faults;
            quiet_until = now + Duration::from_secs(1);
            log::warn!(
                "so far {} frames received bad, {} with a wrong checksum, and {} lost",
                faults.bad,
                faults.checksums,
                faults.overruns
            );
        }
        clock.sleep(deadline);
    }
}
