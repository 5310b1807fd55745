use std::collections::VecDeque;

use super::*;

/// A fake controller, as the driver sees it: a FIFO of frames.
#[derive(Default)]
struct Fake {
    frames: VecDeque<VecDeque<u32>>,
    sent: Vec<u32>,
    requested: usize,
    sending: bool,
    overrun: bool,
    divider: u32,
    /// The status of the PHY.
    status: u32,
    /// The content of `MII_RECEIVED`.
    received: u32,
}

impl Fake {
    /// Adds a received frame. `counted` is the length that the controller reports.
    fn arrive(&mut self, frame: &[u8], counted: usize) {
        let mut bytes = (counted as u16).to_le_bytes().to_vec();
        bytes.extend_from_slice(frame);
        bytes.extend_from_slice(&[0; 4]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        self.frames.push_back(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect());
    }
}

impl Registers for Fake {
    fn read(&mut self, offset: usize) -> u32 {
        match offset {
            STATUS => u32::from(self.overrun) * OVERRUN,
            FRAMES_WAITING => self.frames.len() as u32,
            DATA => {
                let Some(frame) = self.frames.front_mut() else { return 0 };
                let word = frame.pop_front().unwrap_or(0);
                if frame.is_empty() {
                    self.frames.pop_front();
                }
                word
            }
            TX_REQUEST => u32::from(self.sending),
            MII_RECEIVED => self.received,
            _ => 0,
        }
    }

    fn write(&mut self, offset: usize, value: u32) {
        match offset {
            DATA => self.sent.push(value),
            TX_REQUEST => self.requested += 1,
            MII_DIVIDER => self.divider = value,
            // The command reads register 1 of the PHY.
            MII_CONTROL if value == 1 << 3 | 1 => self.received = self.status,
            STATUS if value & OVERRUN != 0 => self.overrun = false,
            _ => {}
        }
    }
}

const NOW: Instant = Instant::ZERO;
const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn device() -> Stellaris<Fake> {
    Stellaris::new(Fake::default(), EthernetAddress(OWN))
}

fn frame(to: [u8; 6], len: usize) -> Vec<u8> {
    to.into_iter().chain((6..len).map(|at| at as u8)).collect()
}

#[test]
fn frames_to_this_address_and_to_groups_arrive_whole() {
    let mut device = device();
    let frames = [frame(OWN, 60), frame([0xff; 6], 61), frame([1, 0, 0x5e, 0, 0, 1], 63), frame(OWN, 1514)];
    for frame in &frames {
        device.registers.arrive(&super::tests::frame([2, 0, 0, 0, 0, 9], 62), 68);
        device.registers.arrive(frame, frame.len() + 6);
    }
    for frame in &frames {
        let (received, _) = device.receive(NOW).unwrap();
        received.consume(|bytes| assert!(bytes == frame));
    }
    assert!(device.receive(NOW).is_none());
    assert_eq!(device.faults(), Faults::default());
}

#[test]
fn frames_of_invalid_length_are_counted_and_do_not_block_the_loop() {
    let mut device = device();
    for counted in [0, 5, 19, 1521, 65_535] {
        device.registers.arrive(&[], counted);
    }
    assert!(device.receive(NOW).is_none());
    assert_eq!(device.faults().bad, 5);
    device.registers.overrun = true;
    assert_eq!((device.faults().overruns, device.faults().overruns), (1, 1));
}

#[test]
fn a_short_frame_is_padded() {
    let mut device = device();
    device.transmit(NOW).unwrap().consume(1514, |bytes| bytes.fill(0xff));
    device.registers.sent.clear();
    device.transmit(NOW).unwrap().consume(14, |bytes| bytes.fill(1));
    let bytes: Vec<u8> = device.registers.sent.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(bytes[..62], [[46, 0].as_slice(), &[1; 14], &[0; 46]].concat());
    assert_eq!(device.registers.requested, 2);
}

#[test]
fn a_busy_controller_returns_no_token_and_loses_nothing() {
    let mut device = device();
    device.registers.sending = true;
    device.registers.arrive(&frame(OWN, 60), 66);
    assert!(device.transmit(NOW).is_none() && device.receive(NOW).is_none());
    device.registers.sending = false;
    assert!(device.receive(NOW).is_some());
    assert!(device.receive(NOW).is_some());
}

#[test]
fn the_phy_reports_whether_the_link_is_up() {
    let mut device = device();
    device.registers.status = 0x7809;
    assert!(device.link_is_up(), "the first call returns true");
    // The management clock must run at 2.5 MHz or less.
    assert!(50 <= 5 * (device.registers.divider + 1));
    for (status, up) in [(0x782d, true), (0x7809, false), (0x782d, true), (0xffff, true)] {
        device.registers.status = status;
        // Each call begins a read, and the next call returns the result.
        device.link_is_up();
        assert_eq!(device.link_is_up(), up, "{status:x}");
    }
    // QEMU's controller has no PHY.
    device.registers.status = 0;
    device.link_is_up();
    assert!(device.link_is_up());
}
