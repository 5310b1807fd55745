use super::*;
use crate::phy::registers::Registers;

/// Registers that do nothing but sum words.
struct Nothing;

impl Registers for Nothing {
    fn read(&mut self, _offset: usize) -> u32 {
        0
    }

    fn write(&mut self, _offset: usize, _value: u32) {}
}

/// Builds a frame with a UDP datagram of `len` bytes, without a checksum. `behind` bytes follow the datagram but belong
/// to no packet.
fn frame(len: usize, behind: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..34 + len + behind).map(|at| 0xf0 ^ at as u8).collect();
    frame[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 20 + len as u8, 0, 0, 0, 0, 64, 17]);
    frame[38..42].copy_from_slice(&[0, len as u8, 0, 0]);
    frame
}

#[test]
fn bytes_after_the_packet_are_ignored() {
    for len in 8..24 {
        for behind in 0..9 {
            let mut good = frame(len, behind);
            checksums::fill(&mut good, None);

            let mut words = Words::EMPTY;
            let (padded, sent, ()) =
                words.send(good.len(), |bytes| bytes.copy_from_slice(&frame(len, behind)), Nothing::sum);
            assert_eq!(sent.as_flattened()[2..2 + good.len()], good, "{len} {behind}");
            assert!(sent.as_flattened()[2 + good.len()..].iter().all(|byte| *byte == 0), "{len} {behind}");
            assert_eq!(padded, good.len().max(60));

            for flip in [None, Some(33 + len)] {
                let mut bytes = [&[9; 2], good.as_slice(), &[0xcc; 4]].concat();
                if let Some(at) = flip {
                    bytes[2 + at] ^= 1;
                }
                bytes.resize(bytes.len().next_multiple_of(4), 0xdd);
                let mut source = bytes.as_chunks::<4>().0.iter().copied();
                let arrived = words.receive(0..bytes.len() / 4, good.len(), |words| {
                    words.iter_mut().for_each(|word| *word = source.next().unwrap());
                    Nothing::sum(words)
                });
                assert_eq!(arrived, if flip.is_none() { Arrived::Frame } else { Arrived::Wrong }, "{len} {behind}");
                assert_eq!(source.next(), None);
            }
        }
    }
}
