//! Collects the bytes that a host's programs have read, from the frames that the host received.
//!
//! The stack reports only the number of bytes that a program read. The frames contain the bytes themselves.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::wire::{EthernetFrame, IpProtocol, Ipv4Packet, TcpPacket, TcpSeqNumber, UdpPacket};

use crate::lab::show::What;
use crate::lab::{Snapshot, address};
use crate::stack::{Event, Tuple};
use crate::trace::Ends;

/// The maximum number of bytes kept for one stream. No receive buffer is longer.
const LONGEST: usize = 1 << 20;

/// The bytes that a host's programs have read, and the data that they have not read yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    streams: Vec<Stream>,
    /// For each port, the datagrams that the program has not read yet.
    datagrams: Vec<(u16, VecDeque<Vec<u8>>)>,
    bytes: Vec<u8>,
}

/// The data that has arrived on one connection and that the program has not read yet.
#[derive(Clone, Debug)]
struct Stream {
    ends: Tuple,
    isn: TcpSeqNumber,
    /// The number of bytes that the program has read.
    read: usize,
    bytes: VecDeque<u8>,
}

impl Received {
    /// Returns the bytes that the programs have read so far. [`keep`](Self::keep) removes the older bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps only the last `len` bytes read so far.
    pub(super) fn keep(&mut self, len: usize) {
        self.bytes.drain(..self.bytes.len().saturating_sub(len));
    }

    /// Processes an entry of this host: stores the payload that arrives, and adds the data that a program reads to
    /// `self.bytes`. Returns whether the program has read data.
    pub(super) fn process(&mut self, host: usize, snapshot: &Snapshot, frame: &[u8]) -> bool {
        match snapshot.entry.what {
            What::Arrived { summary, .. } => {
                if let Some(ends) = summary.ends.filter(|ends| ends.destination.addr == address(host)) {
                    let [sender_isn, _] = snapshot.isn;
                    // A frame that carries no valid payload changes nothing.
                    let _ = self.store_payload(&ends, sender_isn, frame);
                }
                // No program has read the payload yet.
                false
            }
            What::Stack(Event::Read { tuple, bytes, .. }) => {
                // Several connections can have had these endpoints. The program reads from the latest.
                let stream = self.streams.iter_mut().rfind(|stream| stream.ends == tuple);
                if let Some(stream) = stream {
                    let read = stream.bytes.drain(..bytes.min(stream.bytes.len()));
                    stream.read += read.len();
                    self.bytes.extend(read);
                }
                true
            }
            What::Stack(Event::Udp { port, read, .. }) => {
                let queue = self.datagrams.iter_mut().find(|(number, _)| *number == port);
                if let Some((_, queue)) = queue {
                    // A program reads whole datagrams.
                    let mut remaining = read;
                    while remaining > 0
                        && let Some(datagram) = queue.pop_front()
                    {
                        remaining = remaining.saturating_sub(datagram.len());
                        self.bytes.extend_from_slice(&datagram);
                    }
                }
                read > 0
            }
            _ => false,
        }
    }

    /// Stores the payload of a frame. `isn` is the sender's initial sequence number.
    ///
    /// Stores nothing and returns `None` if the frame is not valid, for example because its checksum is wrong. The same
    /// applies to a segment without payload, and to one whose `isn` is unknown.
    fn store_payload(&mut self, ends: &Ends, isn: Option<TcpSeqNumber>, frame: &[u8]) -> Option<()> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
        let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
        match packet.next_header() {
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(packet.payload()).ok()?;
                if tcp.payload().is_empty() || !tcp.verify_checksum(&source, &destination) {
                    return None;
                }
                let isn = isn?;
                // SYN takes the first sequence number, so the data begins at the second.
                let at = tcp.seq_number().0.wrapping_sub(isn.0).wrapping_sub(1);
                // A payload before the first byte of the stream (a negative `at`) is not stored.
                self.stream(ends, isn).keep(usize::try_from(at).ok()?, tcp.payload());
            }
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(packet.payload()).ok()?;
                if !udp.verify_checksum(&source, &destination) {
                    return None;
                }
                let port = ends.destination.port;
                let index = self.datagrams.iter().position(|(number, _)| *number == port).unwrap_or_else(|| {
                    self.datagrams.push((port, VecDeque::new()));
                    self.datagrams.len() - 1
                });
                let (_, queue) = self.datagrams.get_mut(index)?;
                queue.push_back(udp.payload().to_vec());
            }
            _ => {}
        }
        Some(())
    }

    /// Returns the stream of a connection. If there is none yet, adds an empty stream.
    fn stream(&mut self, ends: &Ends, isn: TcpSeqNumber) -> &mut Stream {
        // The frame has arrived at this host, so its destination is the local side.
        let Ends { source: remote, destination: local } = *ends;
        let ends = Tuple { local, remote };
        let index = self.streams.iter().position(|s| s.ends == ends && s.isn == isn).unwrap_or_else(|| {
            self.streams.push(Stream { ends, isn, read: 0, bytes: VecDeque::new() });
            self.streams.len() - 1
        });
        &mut self.streams[index]
    }
}

impl Stream {
    /// Stores a payload at offset `at` of the stream. Bytes that the program has already read are skipped.
    fn keep(&mut self, at: usize, payload: &[u8]) {
        // `self.bytes` begins with the first byte that the program has not read.
        let (skipped, at) = (self.read.saturating_sub(at), at.saturating_sub(self.read));
        let Some(payload) = payload.get(skipped..) else { return };
        let end = at.saturating_add(payload.len());
        // No receive buffer is so long, so the stack does not accept this payload.
        if end > LONGEST {
            return;
        }
        if self.bytes.len() < end {
            // A gap is filled with zeros until its segment arrives.
            self.bytes.resize(end, 0);
        }
        self.bytes.range_mut(at..end).zip(payload).for_each(|(kept, byte)| *kept = *byte);
    }
}
