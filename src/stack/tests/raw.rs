//! A scripted peer: it sends hand-made segments to the server and records the server's segments.

use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, IpAddress, IpEndpoint, Ipv4Packet, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::pair::*;
use crate::host::Sizes;
use crate::stack::control;
use crate::stack::event::Tuple;
use crate::stack::*;

pub const LARGE: Sizes = Sizes { receive: 300_000, send: 300_000, ..SMALL };
pub const SECOND: Duration = Duration::from_secs(1);

/// Longer than the time between two challenge ACKs.
pub const PAUSE: Duration = Duration::from_millis(1_100);

/// The peer's initial sequence number. The numbers wrap round soon.
const IRS: TcpSeqNumber = TcpSeqNumber(-300);

/// A segment from the server. The sequence and acknowledgement numbers are relative to the initial sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub control: TcpControl,
    pub seq: usize,
    pub ack: Option<usize>,
    pub window: u16,
    pub len: usize,
    pub ranges: [Option<(usize, usize)>; 3],
}

/// The scripted peer of one connection.
pub struct Raw {
    pub pair: Pair,
    tuple: Tuple,
    iss: TcpSeqNumber,
    pub scale: u8,
}

impl Raw {
    /// Returns a server that runs `app` on port 7 and a peer that has sent nothing yet.
    pub fn new(sizes: Sizes, app: App) -> Raw {
        Raw::with(sizes, app, |_| {})
    }

    /// Like [`new`](Self::new), but changes the server's configuration with `set`.
    pub fn with(sizes: Sizes, app: App, set: fn(&mut Config)) -> Raw {
        let mut pair = Pair::with(sizes, set);
        pair.server.listen(Listener::new(7, app));
        pair.meet(SERVER);
        let tuple = Tuple { local: IpEndpoint::new(SERVER, 7), remote: IpEndpoint::new(CLIENT, 2_000) };
        Raw { pair, tuple, iss: TcpSeqNumber(0), scale: 0 }
    }

    /// Returns the peer's SYN.
    pub fn syn(&self) -> TcpRepr<'static> {
        TcpRepr {
            control: TcpControl::Syn,
            ack_number: None,
            max_seg_size: Some(1_000),
            sack_permitted: true,
            window_scale: Some(0),
            ..control::bare(&self.tuple, IRS, TcpSeqNumber(0), 60_000)
        }
    }

    /// Opens the connection. The final segment of the handshake announces `window`.
    pub fn open(sizes: Sizes, app: App, window: u16) -> Raw {
        let mut raw = Raw::new(sizes, app);
        let syn = raw.syn();
        let seen = raw.send(&syn);
        assert_eq!(seen.len(), 1, "{seen:?}");
        raw.acknowledge(1, 1, window);
        raw
    }

    /// Returns a host whose SYN to the peer's port 2,000 is on its way.
    pub fn calling(sizes: Sizes, app: App) -> Raw {
        let mut raw = Raw::new(sizes, App::Idle);
        let Tuple { local, remote } = raw.tuple;
        let Host { stack, io } = &mut raw.pair.server;
        stack.connect_from(raw.pair.now, local.port, remote, app, Duration::from_secs(30), io).unwrap();
        let seen = raw.poll();
        assert_eq!(seen.iter().map(|seen| seen.control).collect::<Vec<_>>(), [TcpControl::Syn]);
        raw
    }

    /// Changes the address that the peer sends from.
    pub fn from(&mut self, address: IpAddress) {
        self.tuple.remote.addr = address;
    }

    /// Changes the port that the peer sends from.
    pub fn set_port(&mut self, port: u16) {
        self.tuple.remote.port = port;
    }

    /// Changes the address that the peer sends to.
    pub fn to(&mut self, address: IpAddress) {
        self.tuple.local.addr = address;
    }

    /// Returns a segment without data. `seq` and `ack` are relative to the initial sequence numbers.
    pub fn bare(&self, seq: usize, ack: usize, window: u16) -> TcpRepr<'static> {
        control::bare(&self.tuple, IRS + seq, self.iss + ack, window)
    }

    /// Returns an acknowledgement with up to three ranges that are acknowledged selectively.
    pub fn ranges(&self, seq: usize, ack: usize, window: u16, ranges: &[(usize, usize)]) -> TcpRepr<'static> {
        let number = |number: usize| (self.iss + number).0 as u32;
        let mut sack_ranges = [None; 3];
        for (place, (start, end)) in ranges.iter().enumerate() {
            sack_ranges[place] = Some((number(*start), number(*end)));
        }
        TcpRepr { sack_ranges, ..self.bare(seq, ack, window) }
    }

    /// Returns a segment with FIN and without data.
    pub fn fin(&self, seq: usize, ack: usize, window: u16) -> TcpRepr<'static> {
        TcpRepr { control: TcpControl::Fin, ..self.bare(seq, ack, window) }
    }

    /// Returns an RST without an acknowledgement.
    pub fn reset(&self, seq: usize) -> TcpRepr<'static> {
        TcpRepr { control: TcpControl::Rst, ack_number: None, ..self.bare(seq, 0, 0) }
    }

    /// Returns the state of the host's only connection.
    pub fn state(&self) -> Option<State> {
        self.pair.served().first().map(|connection| connection.state)
    }

    /// Returns how many segments were dropped for this reason.
    pub fn dropped(&self, why: DropReason) -> usize {
        self.pair.server.count(|event| *event == Event::Dropped(why))
    }

    /// Sends a segment without data.
    pub fn acknowledge(&mut self, seq: usize, ack: usize, window: u16) -> Vec<Seen> {
        self.send(&self.bare(seq, ack, window))
    }

    /// Acknowledges the bytes before `ack`. Also acknowledges the given ranges selectively.
    pub fn acknowledge_ranges(&mut self, ack: usize, ranges: [(usize, usize); 3]) -> Vec<Seen> {
        self.send(&self.ranges(1, ack, 60_000, &ranges))
    }

    /// Sends data.
    pub fn data(&mut self, seq: usize, ack: usize, window: u16, payload: &[u8]) -> Vec<Seen> {
        let repr = TcpRepr { payload, ..self.bare(seq, ack, window) };
        self.send(&repr)
    }

    /// Sends a segment. Returns the segments that the server sends immediately.
    pub fn send(&mut self, repr: &TcpRepr<'_>) -> Vec<Seen> {
        let frame = self.frame(repr);
        self.inject(frame)
    }

    /// Returns the frame of a segment.
    pub fn frame(&self, repr: &TcpRepr<'_>) -> Vec<u8> {
        let mut frame = [0; 2_000];
        let len = control::write(&mut frame[14..], &self.tuple, repr, &ChecksumCapabilities::default()).unwrap();
        let (to, from) = (EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2]));
        link::write(Some(link::Ends { to, from }), &mut frame);
        frame[..14 + len].to_vec()
    }

    /// Sends a segment after `change` has edited its TCP header. The checksum is corrected afterwards.
    pub fn send_changed(&mut self, repr: &TcpRepr<'_>, change: impl FnOnce(&mut [u8])) -> Vec<Seen> {
        let mut frame = self.frame(repr);
        change(&mut frame[34..34 + repr.header_len()]);
        TcpPacket::new_unchecked(&mut frame[34..]).fill_checksum(&self.tuple.remote.addr, &self.tuple.local.addr);
        self.inject(frame)
    }

    /// Sends a frame, and returns the segments that the server sends immediately.
    pub fn inject(&mut self, frame: Vec<u8>) -> Vec<Seen> {
        self.pair.to_server.borrow_mut().push_back(frame);
        self.poll()
    }

    /// Returns the segments that the server sends now.
    pub fn poll(&mut self) -> Vec<Seen> {
        self.pair.server.stack.poll(self.pair.now, &mut self.pair.server.io);
        let frames = core::mem::take(&mut *self.pair.to_client.borrow_mut());
        frames.iter().filter_map(|frame| self.see(frame)).collect()
    }

    /// Returns the segments that the server sends within `time`, each with the time since the call.
    pub fn wait(&mut self, time: Duration) -> Vec<(Duration, Seen)> {
        let (begin, until) = (self.pair.now, self.pair.now + time);
        let mut seen = Vec::new();
        loop {
            seen.extend(self.poll().into_iter().map(|seen| (self.pair.now - begin, seen)));
            let due = self.pair.server.stack.poll(self.pair.now, &mut self.pair.server.io);
            match due {
                Some(at) if at <= until => self.pair.now = at.max(self.pair.now),
                _ => break,
            }
        }
        self.pair.now = until;
        seen.extend(self.poll().into_iter().map(|seen| (time, seen)));
        seen
    }

    /// Parses a segment from the server. If it is a SYN, records the server's initial sequence number and window scale.
    fn see(&mut self, frame: &[u8]) -> Option<Seen> {
        let ip = Ipv4Packet::new_checked(EthernetFrame::new_checked(frame).ok()?.payload()).ok()?;
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        let (source, destination) = (ip.src_addr().into(), ip.dst_addr().into());
        let tcp =
            TcpRepr::parse(&tcp, &source, &destination, &ChecksumCapabilities::default()).expect("a correct checksum");
        if tcp.control == TcpControl::Syn {
            self.iss = tcp.seq_number;
            self.scale = tcp.window_scale.unwrap_or(0);
        }
        let own = |number: TcpSeqNumber| number.0.wrapping_sub(IRS.0) as u32 as usize;
        Some(Seen {
            control: tcp.control,
            seq: tcp.seq_number.0.wrapping_sub(self.iss.0) as u32 as usize,
            ack: tcp.ack_number.map(own),
            window: tcp.window_len,
            len: tcp.payload.len(),
            ranges: tcp
                .sack_ranges
                .map(|range| range.map(|(a, b)| (own(TcpSeqNumber(a as i32)), own(TcpSeqNumber(b as i32))))),
        })
    }
}
