//! The drivers of Ethernet controllers, tested with fake registers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smolstep::phy::Registers;
use smolstep::phy::conformance::{Peer, Report, check};
use smolstep::phy::lan9118::Lan9118;
use smolstep::phy::stellaris::Stellaris;
use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use crate::{Ticks, copy};

const ADDRESS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

#[test]
fn a_lan9118_conforms() {
    let chip = Rc::new(RefCell::new(Lan::default()));
    let mut device = Lan9118::new(Bus(chip.clone()), ADDRESS).unwrap();
    let report =
        run(&mut device, Far { chip, ticks: Ticks::default(), lost: |device| device.faults().overruns.into() });
    assert_eq!((report.mtu, report.transmit_queue), (1514, Some(43)), "{report}");
    assert!(report.receive_queue.is_some(), "{report}");
}

#[test]
fn a_stellaris_conforms() {
    let chip = Rc::new(RefCell::new(Lm3s::default()));
    let mut device = Stellaris::new(Bus(chip.clone()), ADDRESS);
    let report = run(&mut device, Far { chip, ticks: Ticks::default(), lost: |_| 0 });
    assert_eq!((report.mtu, report.transmit_queue, report.receive_queue), (1514, Some(1), Some(31)), "{report}");
}

fn run<D: Device, C: Chip>(device: &mut D, mut far: Far<C, D>) -> Report {
    check(device, &mut far, &mut [0; 1515]).unwrap_or_else(|failure| panic!("{failure}"))
}

/// A fake controller, as the cable sees it.
trait Chip {
    /// Receives a frame. Returns false if the chip has no memory for the frame and does not count the loss.
    fn arrive(&mut self, frame: &[u8]) -> bool;
    /// Removes and returns the oldest frame that the driver has sent.
    fn take_sent(&mut self) -> Option<Vec<u8>>;
}

/// The registers of a fake controller, as its driver sees them.
struct Bus<C>(Rc<RefCell<C>>);

struct Far<C, D> {
    chip: Rc<RefCell<C>>,
    ticks: Ticks,
    lost: fn(&mut D) -> u64,
}

impl<C: Chip, D> Peer<D> for Far<C, D> {
    fn inject(&mut self, _device: &mut D, frame: &[u8]) -> bool {
        // The cable carries neither runts nor giants.
        (14..=1514).contains(&frame.len()) && self.chip.borrow_mut().arrive(frame)
    }

    fn observe(&mut self, _device: &mut D, buffer: &mut [u8]) -> Option<usize> {
        copy(&self.chip.borrow_mut().take_sent()?, buffer)
    }

    fn now(&mut self) -> Instant {
        self.ticks.now()
    }

    fn lost(&mut self, device: &mut D) -> u64 {
        (self.lost)(device)
    }

    fn burst(&self) -> usize {
        // A burst of this many short frames overflows the memory of the LAN9118.
        200
    }

    fn address(&self) -> EthernetAddress {
        ADDRESS
    }
}

/// A LAN9118 with 10,560 bytes for received frames and 4,608 bytes for frames to send.
#[derive(Default)]
struct Lan {
    /// Received frames, each as a length and its words. The length includes the checksum.
    ///
    /// The words include the checksum, and padding before the frame.
    rx: VecDeque<(usize, VecDeque<u32>)>,
    /// The words of the frame whose status has been read.
    reading: VecDeque<u32>,
    tx: VecDeque<Vec<u8>>,
    /// The words of the frame that the driver is writing.
    writing: Vec<u32>,
    done: u32,
    dropped: u32,
    mac_data: u32,
}

impl Chip for Lan {
    fn arrive(&mut self, frame: &[u8]) -> bool {
        let used = self.rx.iter().map(|(_, words)| words.len() * 4 + 4).sum::<usize>();
        let bytes = [&[0xee; 2], frame, &[0xcc; 4]].concat();
        if used + bytes.len() + 4 > 10_560 {
            self.dropped += 1;
        } else {
            self.rx.push_back((frame.len() + 4, words(&bytes).into()));
        }
        true
    }

    fn take_sent(&mut self) -> Option<Vec<u8>> {
        let frame = self.tx.pop_front()?;
        self.done += 1;
        Some(frame)
    }
}

impl Registers for Bus<Lan> {
    fn read(&mut self, offset: usize) -> u32 {
        let mut chip = self.0.borrow_mut();
        match offset {
            // RX_DATA
            0x00..0x20 => chip.reading.pop_front().expect("the driver reads only words that exist"),
            // RX_STATUS
            0x40 => {
                assert!(chip.reading.is_empty(), "the previous frame was not read completely");
                let (len, words) = chip.rx.pop_front().expect("the driver reads only a status that exists");
                chip.reading = words;
                (len as u32) << 16
            }
            // TX_STATUS
            0x48 => {
                chip.done = chip.done.checked_sub(1).expect("the driver reads only a status that exists");
                0
            }
            // BYTE_TEST
            0x64 => 0x8765_4321,
            // RX_FIFO_INF: the number of frames
            0x7c => (chip.rx.len() as u32) << 16,
            // TX_FIFO_INF: the number of statuses, and the free bytes
            0x80 => {
                let used = chip.tx.iter().map(|frame| frame.len().next_multiple_of(4) + 8).sum::<usize>();
                chip.done << 16 | 4608_u32.saturating_sub(used as u32)
            }
            // RX_DROP
            0xa0 => std::mem::take(&mut chip.dropped),
            // MAC_DATA
            0xa8 => chip.mac_data & !1,
            _ => 0,
        }
    }

    fn write(&mut self, offset: usize, value: u32) {
        let mut chip = self.0.borrow_mut();
        match offset {
            // TX_DATA: two command words, then the words of the frame
            0x20..0x40 => {
                chip.writing.push(value);
                let [command, length, ..] = chip.writing[..] else { return };
                assert_eq!((command & 0x3000, command & 0x7ff), (0x3000, length & 0x7ff), "one segment a frame");
                let offset = command as usize >> 16 & 0x1f;
                let len = length as usize & 0x7ff;
                if (chip.writing.len() - 2) * 4 >= offset + len {
                    let frame = bytes(&chip.writing[2..]);
                    chip.tx.push_back(frame[offset..offset + len].to_vec());
                    chip.writing.clear();
                }
            }
            // MAC_DATA
            0xa8 => chip.mac_data = value,
            _ => {}
        }
    }
}

/// A Stellaris controller that can store 31 received frames and one frame to send.
#[derive(Default)]
struct Lm3s {
    rx: VecDeque<VecDeque<u32>>,
    tx: Option<Vec<u8>>,
    writing: Vec<u32>,
}

impl Chip for Lm3s {
    fn arrive(&mut self, frame: &[u8]) -> bool {
        let fits = self.rx.len() < 31;
        if fits {
            let counted = frame.len() as u16 + 6;
            self.rx.push_back(words(&[&counted.to_le_bytes()[..], frame, &[0xcc; 4]].concat()).into());
        }
        fits
    }

    fn take_sent(&mut self) -> Option<Vec<u8>> {
        self.tx.take()
    }
}

impl Registers for Bus<Lm3s> {
    fn read(&mut self, offset: usize) -> u32 {
        let mut chip = self.0.borrow_mut();
        match offset {
            // DATA: the next word of the frame
            0x10 => {
                let frame = chip.rx.front_mut().expect("the driver reads only words that exist");
                let word = frame.pop_front().expect("a frame has a word");
                if frame.is_empty() {
                    chip.rx.pop_front();
                }
                word
            }
            // FRAMES_WAITING
            0x34 => chip.rx.len() as u32,
            // TX_REQUEST: whether a frame is being sent
            0x38 => u32::from(chip.tx.is_some()),
            _ => 0,
        }
    }

    fn write(&mut self, offset: usize, value: u32) {
        let mut chip = self.0.borrow_mut();
        match offset {
            // DATA
            0x10 => chip.writing.push(value),
            // TX_REQUEST: the first word begins with the length of the frame, without its Ethernet header
            0x38 if value & 1 == 1 => {
                assert!(chip.tx.is_none(), "the previous frame is still being sent");
                let written = bytes(&std::mem::take(&mut chip.writing));
                let len = usize::from(u16::from_le_bytes([written[0], written[1]])) + 14;
                let mut frame = written[2..2 + len].to_vec();
                frame.resize(len.max(60), 0);
                chip.tx = Some(frame);
            }
            _ => {}
        }
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0xdd);
    padded.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
