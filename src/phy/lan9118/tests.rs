use std::collections::VecDeque;

use smoltcp::wire::Ipv4Packet;

use super::*;

/// A fake controller, as the driver sees it: FIFOs of words that are accessed through registers.
#[derive(Default)]
struct Fake {
    /// The received frames: one status for each frame, and the words of all frames in `data`.
    statuses: VecDeque<u32>,
    data: VecDeque<u32>,
    sent: Vec<u32>,
    room: u32,
    dropped: u32,
    absent: bool,
    reads: usize,
    /// The content of `MAC_DATA`.
    mac_data: u32,
    /// The content of `MII_DATA`.
    mii_data: u32,
    /// Whether the link is down.
    link_down: bool,
    /// Whether the link has been down at any time since the PHY's status was last read.
    link_failed: bool,
    /// Whether the MAC never completes a command.
    stuck: bool,
}

impl Fake {
    fn new() -> Self {
        Fake { room: 4608, ..Fake::default() }
    }

    fn set_link(&mut self, up: bool) {
        self.link_down = !up;
        self.link_failed |= self.link_down;
    }

    /// Executes a command of the MAC. Bit 30 is set in a read command.
    fn access_mac(&mut self, command: u32) {
        match (command & 0xff, command & 1 << 30 != 0) {
            // The PHY is never busy.
            (MII_ACCESS, true) => self.mac_data = 0,
            (MII_DATA, true) => self.mac_data = self.mii_data,
            (MII_DATA, false) => self.mii_data = self.mac_data,
            // A read of register 1 of PHY 1.
            (MII_ACCESS, false) if self.mac_data == 1 << 11 | 1 << 6 | 1 => {
                self.mii_data = if std::mem::take(&mut self.link_failed) { 0x7809 } else { 0x782d };
                self.link_failed = self.link_down;
            }
            _ => {}
        }
    }

    fn arrive(&mut self, frame: &[u8], error: bool) {
        let len = frame.len() as u32 + 4;
        self.statuses.push_back(len << 16 | u32::from(error) << 15);
        let mut bytes = vec![0; 2];
        bytes.extend_from_slice(frame);
        bytes.resize((len as usize + 2).next_multiple_of(4), 0);
        self.data.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
    }
}

impl Registers for Fake {
    fn read(&mut self, offset: usize) -> u32 {
        self.reads += 1;
        match offset {
            BYTE_TEST if !self.absent => 0x8765_4321,
            RX_FIFO_INF => (self.statuses.len().min(255) as u32) << 16,
            RX_STATUS => self.statuses.pop_front().unwrap_or(0),
            RX_DATA => self.data.pop_front().unwrap_or(0),
            TX_FIFO_INF => self.room,
            RX_DROP => std::mem::take(&mut self.dropped),
            MAC_COMMAND => u32::from(self.stuck) << 31,
            MAC_DATA => self.mac_data,
            _ => 0,
        }
    }

    fn write(&mut self, offset: usize, value: u32) {
        match offset {
            TX_DATA => self.sent.push(value),
            MAC_DATA => self.mac_data = value,
            MAC_COMMAND => self.access_mac(value),
            _ => {}
        }
    }
}

const NOW: Instant = Instant::ZERO;

fn device() -> Lan9118<Fake> {
    Lan9118::new(Fake::new(), EthernetAddress([2, 0, 0, 0, 0, 1])).unwrap()
}

fn frame(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

#[test]
fn an_absent_controller_is_an_error() {
    let fake = Fake { absent: true, ..Fake::new() };
    assert_eq!(Lan9118::new(fake, EthernetAddress([2; 6])).err(), Some(NotThere));
}

#[test]
fn frames_arrive_whole_and_in_order() {
    let mut device = device();
    for len in [60, 61, 62, 63, 1514] {
        device.registers.arrive(&frame(len), false);
    }
    for len in [60, 61, 62, 63, 1514] {
        let (received, _) = device.receive(NOW).unwrap();
        received.consume(|bytes| assert!(bytes == frame(len), "{len}"));
    }
    assert!(device.receive(NOW).is_none());
}

#[test]
fn an_unused_token_keeps_the_frame() {
    let mut device = device();
    device.registers.arrive(&frame(60), false);
    assert!(device.receive(NOW).is_some());
    assert!(device.receive(NOW).is_some());
}

#[test]
fn bad_frames_are_dropped_and_counted() {
    let mut device = device();
    device.registers.arrive(&frame(100), true);
    device.registers.arrive(&frame(1515), false);
    device.registers.arrive(&frame(5000), false);
    device.registers.arrive(&frame(3), false);
    device.registers.arrive(&frame(64), false);
    let (received, _) = device.receive(NOW).unwrap();
    received.consume(|bytes| assert!(bytes == frame(64)));
    device.registers.dropped = 3;
    assert_eq!(device.faults(), Faults { bad: 4, checksums: 0, overruns: 3 });
}

#[test]
fn endless_bad_frames_do_not_block_the_loop() {
    let mut device = device();
    device.registers.statuses = std::iter::repeat_n(u32::MAX, 1000).collect();
    assert!(device.receive(NOW).is_none());
    assert!(device.registers.reads < 256 * 4200, "{}", device.registers.reads);
}

#[test]
fn a_short_frame_is_padded() {
    let mut device = device();
    device.transmit(NOW).unwrap().consume(1514, |bytes| bytes.fill(0xff));
    device.registers.sent.clear();
    device.transmit(NOW).unwrap().consume(14, |bytes| bytes.fill(1));
    let sent = &device.registers.sent;
    assert_eq!(sent[..2], [2 << 16 | 0x3000 | 60, 60]);
    let bytes: Vec<u8> = sent[2..].iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(bytes[2..], [[1; 14].as_slice(), &[0; 48]].concat());
}

#[test]
fn a_full_controller_returns_no_token_and_loses_nothing() {
    let mut device = device();
    device.registers.room = 1000;
    device.registers.arrive(&frame(60), false);
    assert!(device.transmit(NOW).is_none() && device.receive(NOW).is_none());
    device.registers.room = 4608;
    assert!(device.receive(NOW).is_some());
}

#[test]
fn frames_with_a_wrong_checksum_are_dropped_and_counted() {
    let mut device = device();
    let mut datagram = frame(60);
    // An IPv4 packet of 46 bytes with a UDP datagram that has no checksum.
    datagram[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17]);
    datagram[38..42].copy_from_slice(&[0, 26, 0, 0]);
    let fix_header = |frame: &mut [u8]| Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
    fix_header(&mut datagram);
    device.registers.arrive(&datagram, false);
    let (received, _) = device.receive(NOW).unwrap();
    received.consume(|bytes| assert!(bytes == datagram));
    datagram[41] = 1;
    device.registers.arrive(&datagram, false);
    // Makes the packet a fragment, which the driver also drops.
    datagram[41] = 0;
    datagram[20] = 0x20;
    fix_header(&mut datagram);
    device.registers.arrive(&datagram, false);
    datagram[20] = 0;
    device.registers.arrive(&datagram, false);
    assert!(device.receive(NOW).is_none());
    assert_eq!(device.faults(), Faults { checksums: 3, ..Faults::default() });
}

#[test]
fn the_phy_reports_whether_the_link_is_up() {
    let mut device = device();
    assert!(device.link_is_up() && device.link_is_up());
    device.registers.set_link(false);
    assert!(!device.link_is_up() && !device.link_is_up());
    device.registers.set_link(true);
    // The PHY reports a failure until its status is read.
    assert!(!device.link_is_up() && device.link_is_up());
    device.registers.set_link(false);
    device.registers.set_link(true);
    assert!(!device.link_is_up() && device.link_is_up());
    device.registers.stuck = true;
    device.registers.set_link(false);
    let before = device.registers.reads;
    assert!(device.link_is_up(), "the link is assumed to be up if the controller does not respond");
    assert!(device.registers.reads - before < 200_000);
}
