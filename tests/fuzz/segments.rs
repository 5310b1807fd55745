//! Fuzzes sequences of frames to a server.
//!
//! The server must neither panic nor send a storm of frames. Afterwards it must still serve an honest client.

use smolstep::app::echo;
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Stack};
use smolstep::trace::{Segment, Summary};
use smoltcp::phy::{Device, Medium, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use super::frame::{ACK, CLIENT, CLIENT_MAC, Ends, FIN, ICMP, RST, SERVER, SERVER_MAC, SYN, TCP};
use super::frame::{fix_checksums, frame, ip, tcp};
use super::random::Random;
use super::records::{record, records, time};
use super::world::{arp_asks, arp_has};
use super::{Target, mutate};

/// The input is a list of records. A record is a segment, an ICMP error, an arbitrary frame, or a pause.
pub const TARGET: Target = Target { name: "segments", run, honest, hostile };

// The two lowest bits of a record's control byte are the kind of the record, and the next two bits are the number of
// the connection. If the kind is a pause, all bits above the kind are its length.
/// A segment. The data of the record is:
///
/// - flags, 1 byte
/// - distance of the sequence number from the stack's RCV.NXT, 2 bytes
/// - distance of the acknowledgement number from the stack's SND.NXT, 2 bytes
/// - scales of the distances, 1 byte: see [`SCALES`]
/// - window, 2 bytes
/// - length of the options, 1 byte, then the options and the payload
const SEGMENT: u8 = 0;
/// An ICMP error about a segment from the stack.
///
/// The data of the record is the type, the code, the distance of the quoted sequence number from SND.NXT (2 bytes), and
/// the length of the quotation.
const ERROR: u8 = 1;
/// A frame, excluding its first six bytes, which are always the server's hardware address.
const FRAME: u8 = 2;
/// A pause.
///
/// If the record has data, the first byte is the length of the pause in units of 4 ms. Otherwise [`time`] has made the
/// record.
const TIME: u8 = 3;

/// The index of the byte that scales both distances: its lower four bits are the left shift of one distance, its upper
/// four bits the left shift of the other.
const SCALES: usize = 5;

/// The first of the peer's four ports. The honest client uses the next port after these four.
const PORT: u16 = 5000;
const ECHO: u16 = 7;

/// The maximum number of frames that the stack is allowed to send in answer to one frame, or in one second.
///
/// The limit is twice the number of segments of the minimum MSS that fill a buffer.
const MOST_FRAMES: usize = 600;

/// A time in seconds that exceeds the sum of all time limits of the stack.
const SILENCE: u64 = 1000;

type Far<'c> = CableEnd<'c, 16, 1514>;

/// The sequence numbers of a connection, as the stack's segments show them.
#[derive(Clone, Copy, Default)]
struct Side {
    /// The stack's SND.NXT, which is the number after its most recent byte or flag.
    next: u32,
    /// The stack's most recent acknowledgement number.
    ack: u32,
}

/// The server's stack and its peer at the other end of the cable.
struct Game<'c> {
    now: Instant,
    stack: Stack<'c, echo::Server, ()>,
    io: Io<Far<'c>, NullConsole>,
    far: Far<'c>,
    sides: [Side; 5],
    frames: usize,
}

fn run(input: &[u8]) {
    play(input);
}

/// Processes an input. Returns the number of records after which a connection had queued data, summed over all
/// connections.
fn play(input: &[u8]) -> usize {
    let mut cable = Cable::<16, 1514>::new();
    let (near, far) = cable.ends();
    let mut io = Io::new(near, NullConsole);
    let sizes = Sizes { connections: 3, receive: 2048, send: 2048, ports: 0, datagrams: 0, payload: 0 };
    let mut pool = HeapPool::new(sizes);
    let addresses = [IpCidr::new(IpAddress::Ipv4(SERVER.into()), 24)];
    let config = Config::new(EthernetAddress(SERVER_MAC).into(), Seed([1; 32]), &addresses);
    let now = Instant::from_secs(1);
    let mut stack = Stack::new(config, &mut io.device, pool.memory(), now).expect("the configuration is right");
    stack.listen(Listener::new(ECHO, echo::Server)).expect("the port is free");
    let mut game = Game { now, stack, io, far, sides: Default::default(), frames: 0 };
    game.inject(&arp_has(CLIENT.into(), SERVER.into()));
    let mut established = 0;
    for next in records(input) {
        game.frames = 0;
        let connection = usize::from(next.control >> 2 & 3);
        match (next.control & 3, next.data) {
            (SEGMENT, data) => game.segment(connection, data),
            (ERROR, data) => game.icmp_error(connection, data),
            (FRAME, data) => {
                let whole = [&SERVER_MAC[..], data].concat();
                game.inject(&whole[..whole.len().min(1514)]);
            }
            (_, [units, ..]) => game.pass(Duration::from_millis(u64::from(*units) * 4)),
            _ => (0..next.seconds().min(SILENCE)).for_each(|_| game.pass(Duration::from_secs(1))),
        }
        established += game.stack.connections_in_use().filter(|c| c.receive_queue + c.send_queue > 0).count();
    }
    (0..SILENCE).for_each(|_| game.pass(Duration::from_secs(1)));
    let left: Vec<_> = game.stack.connections_in_use().collect();
    assert!(left.is_empty(), "connections without a peer stay: {left:?}");
    game.serves_an_honest_client();
    established
}

impl Game<'_> {
    fn segment(&mut self, connection: usize, data: &[u8]) {
        let Some((head, rest)) = data.split_first_chunk::<9>() else { return };
        let side = self.sides[connection];
        let distance = |at: usize, scale: u8| {
            (i32::from(i16::from_be_bytes([head[at], head[at + 1]])) as u32).wrapping_shl(scale.into())
        };
        let scales = head[SCALES];
        let seq = side.ack.wrapping_add(distance(1, scales & 15));
        let ack = side.next.wrapping_add(distance(3, scales >> 4));
        let window = u16::from_be_bytes([head[6], head[7]]);
        let (options, payload) = rest.split_at(usize::from(head[8]).min(40).min(rest.len()));
        let payload = &payload[..payload.len().min(1400)];
        self.send(connection, seq, ack, head[0], window, options, payload);
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a header")]
    fn send(&mut self, to: usize, seq: u32, ack: u32, flags: u8, window: u16, options: &[u8], payload: &[u8]) {
        let segment = tcp((PORT + to as u16, ECHO), seq, ack, flags, window, options, payload);
        let mut packet = ip(Ends::V4(CLIENT, SERVER), TCP, 0, &segment);
        fix_checksums(&mut packet);
        self.inject(&frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet));
    }

    /// Sends the ICMP error of an [`ERROR`] record.
    fn icmp_error(&mut self, connection: usize, data: &[u8]) {
        let Some(&[kind, code, d1, d2, cut]) = data.first_chunk() else { return };
        let seq = self.sides[connection].next.wrapping_add(i32::from(i16::from_be_bytes([d1, d2])) as u32);
        let quoted = tcp((ECHO, PORT + connection as u16), seq, 0, ACK, 100, &[], &[]);
        let mut quoted = ip(Ends::V4(SERVER, CLIENT), TCP, 0, &quoted);
        fix_checksums(&mut quoted);
        quoted.truncate(cut.into());
        let message = [&[kind, code, 0, 0, 0, 0, 2, 64][..], &quoted].concat();
        let mut packet = ip(Ends::V4(CLIENT, SERVER), ICMP, 0, &message);
        fix_checksums(&mut packet);
        self.inject(&frame(Medium::Ethernet, SERVER_MAC, CLIENT_MAC, packet));
    }

    /// Sends a frame to the stack, and receives its immediate answers.
    fn inject(&mut self, frame: &[u8]) {
        self.poll(false);
        let is_reset = Summary::of(frame, Medium::Ethernet).segment().is_some_and(|segment| segment.rst);
        let token = self.far.transmit(self.now).expect("the cable is empty");
        token.consume(frame.len(), |place| place.copy_from_slice(frame));
        self.poll(is_reset);
    }

    /// Advances the clock by `time`, and polls the stack at its deadlines.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.frames = 0;
        let mut polls = 0;
        while let Some(next) = self.poll(false).filter(|next| *next < until) {
            polls += 1;
            assert!(polls < MOST_FRAMES, "the stack spins at {}", self.now);
            self.now = next.max(self.now);
        }
        self.now = until;
    }

    /// Polls the stack until it sends no more frames. Returns its next deadline.
    fn poll(&mut self, after_reset: bool) -> Option<Instant> {
        loop {
            let next = self.stack.poll(self.now, &mut self.io);
            let Some((received, _)) = self.far.receive(self.now) else { return next };
            let frame = received.consume(<[u8]>::to_vec);
            self.frames += 1;
            assert!(self.frames < MOST_FRAMES, "a storm at {}", self.now);
            if let Some(asked) = arp_asks(&frame) {
                let token = self.far.transmit(self.now).expect("the cable is empty");
                let reply = arp_has(asked, SERVER.into());
                token.consume(reply.len(), |place| place.copy_from_slice(&reply));
                continue;
            }
            let summary = Summary::of(&frame, Medium::Ethernet);
            let (Some(segment), Some(ends)) = (summary.segment(), summary.ends) else { continue };
            assert!(!(after_reset && segment.rst), "an RST is answered with {summary}");
            assert!(ends.source.addr == IpAddress::Ipv4(SERVER.into()), "from {}", ends.source);
            assert!(segment.len <= 1460, "{summary}");
            if let Some(side) = self.sides.get_mut(usize::from(ends.destination.port.wrapping_sub(PORT))) {
                side.record_segment(&segment);
            }
        }
    }

    /// Asserts that a new client is accepted, gets an echo, and can close.
    fn serves_an_honest_client(&mut self) {
        const NEW: usize = 4;
        self.sides[NEW] = Side::default();
        self.frames = 0;
        self.send(NEW, 99, 0, SYN, 1000, &[2, 4, 5, 0xb4], b"");
        let first = self.sides[NEW];
        assert_eq!(first.ack, 100, "SYN,ACK");
        self.send(NEW, 100, first.next, ACK, 1000, &[], b"hello");
        self.pass(Duration::from_secs(1));
        let echoed = self.sides[NEW];
        assert_eq!((echoed.ack, echoed.next), (105, first.next.wrapping_add(5)), "its echo");
        self.send(NEW, 105, echoed.next, ACK | FIN, 1000, &[], b"");
        self.pass(Duration::from_secs(1));
        let last = self.sides[NEW];
        assert_eq!((last.ack, last.next), (106, echoed.next.wrapping_add(1)), "its FIN");
        self.send(NEW, 106, last.next, ACK, 1000, &[], b"");
        assert_eq!(self.stack.connections_in_use().count(), 0, "it is closed");
    }
}

impl Side {
    /// Records the numbers of a segment from the stack.
    fn record_segment(&mut self, segment: &Segment) {
        let end = (segment.seq.0 as u32).wrapping_add(segment.space() as u32);
        if segment.rst {
            return;
        }
        if segment.syn || end.wrapping_sub(self.next) < 1 << 31 {
            self.next = end;
        }
        if let Some(ack) = segment.ack {
            self.ack = ack.0 as u32;
        }
    }
}

/// Adds a segment record with exactly the expected sequence and acknowledgement numbers.
fn segment(input: &mut Vec<u8>, connection: u8, flags: u8, options: &[u8], payload: &[u8]) {
    near(input, connection, (flags, 0, 0), options, payload);
}

/// Adds a segment record with the distances `seq` and `ack` from the expected numbers.
fn near(input: &mut Vec<u8>, connection: u8, (flags, seq, ack): (u8, i16, i16), options: &[u8], payload: &[u8]) {
    let [s, a] = [seq, ack].map(i16::to_be_bytes);
    let head = [flags, s[0], s[1], a[0], a[1], 0, 4, 0, options.len() as u8];
    record(input, SEGMENT | connection << 2, &[&head, options, payload].concat());
}

/// TCP options: MSS, SACK permitted, window scale.
const OPTIONS: [u8; 9] = [2, 4, 5, 0xb4, 4, 2, 3, 3, 7];

/// Returns an input that opens a connection.
fn open_connection(connection: u8) -> Vec<u8> {
    let mut input = Vec::new();
    segment(&mut input, connection, SYN, &OPTIONS, b"");
    segment(&mut input, connection, ACK, b"", b"");
    input
}

fn honest() -> Vec<Vec<u8>> {
    let mut closed = open_connection(0);
    segment(&mut closed, 0, ACK, b"", b"hello");
    segment(&mut closed, 0, ACK | FIN, b"", b"");
    segment(&mut closed, 0, ACK, b"", b"");
    let mut reset = open_connection(1);
    segment(&mut reset, 1, ACK, b"", &[7; 1400]);
    near(&mut reset, 1, (RST, 1, 0), b"", b"");
    segment(&mut reset, 1, RST, b"", b"");
    let mut gaps = open_connection(2);
    near(&mut gaps, 2, (ACK, 100, 0), b"", &[1; 100]);
    near(&mut gaps, 2, (ACK, 300, 0), b"", &[3; 100]);
    (0..4).for_each(|_| near(&mut gaps, 2, (ACK, 0, -1), b"", b""));
    segment(&mut gaps, 2, ACK, b"", &[0; 100]);
    near(&mut gaps, 2, (ACK | FIN, 0, 0), b"", &[2; 1400]);
    time(&mut gaps, TIME, 3);
    let mut errors = open_connection(3);
    segment(&mut errors, 3, ACK, b"", b"data");
    [(3, 3), (3, 4), (11, 0), (4, 0)]
        .iter()
        .for_each(|(kind, code)| record(&mut errors, ERROR | 3 << 2, &[*kind, *code, 0, 0, 40]));
    near(&mut errors, 3, (SYN, 50, 0), &OPTIONS, b"");
    near(&mut errors, 3, (ACK, 0, 5000), b"", b"beyond");
    time(&mut errors, TIME, 20);
    let mut many = Vec::new();
    (0..4).for_each(|connection| many.extend(open_connection(connection)));
    record(&mut many, FRAME, &[&CLIENT_MAC[..], &[8, 0], &[0x45; 40]].concat());
    record(&mut many, TIME, &[5]);
    vec![closed, reset, gaps, errors, many]
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let (mut input, mut count) = (Vec::new(), 0);
    for connection in 0..1 + random.below(4) as u8 {
        input.extend(open_connection(connection));
        count += 2;
    }
    while count < 60 {
        count += 1;
        let connection = random.below(4) as u8;
        if random.one_in(8) {
            let root = random.pick(&[1, 1, 2, 4, 9, 18]);
            time(&mut input, TIME, root);
            continue;
        }
        if random.one_in(8) {
            record(&mut input, TIME, &[random.next() as u8]);
            continue;
        }
        if random.one_in(10) {
            let error = [random.pick(&[3, 3, 4, 5, 11, 12]), random.below(16) as u8, 0, random.next() as u8];
            let cut = random.pick(&[28, 40, 20, 0]);
            record(&mut input, ERROR | connection << 2, &[&error[..], &[cut]].concat());
            continue;
        }
        let flags = random.pick(&[ACK, ACK, ACK, ACK | FIN, SYN, SYN | ACK, RST, RST | ACK, FIN, 0, 0x3f]);
        let mut distance = || if random.one_in(2) { 0 } else { random.distance() as i16 };
        let (seq, ack) = (distance(), distance());
        let options = if random.one_in(4) { random.bytes_below(40) } else { vec![] };
        let payload = if random.one_in(2) { random.bytes_below(1400) } else { vec![] };
        near(&mut input, connection, (flags, seq, ack), &options, &payload);
    }
    if random.one_in(4) {
        mutate(random, &mut input, 0, &[]);
    }
    (input, count)
}

#[cfg(not(fuzzing))]
#[test]
fn some_connections_have_data() {
    let established: usize = (0..100).map(|number| play(&hostile(&mut Random(number)).0)).sum();
    assert!(established > 100, "{established}");
}
