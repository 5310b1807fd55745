//! Models of Ethernet controllers, at the level of the transactions on their SPI bus.

pub mod enc28j60;
pub mod w5500;

use embedded_hal::spi::Operation;

/// The length of the shortest frame that an Ethernet controller sends, in bytes, excluding the checksum.
const SHORTEST: usize = 60;
/// The length of the longest frame that a controller accepts, in bytes, excluding the checksum.
const LONGEST: usize = 1514;

/// Returns a frame, padded with zeros to the shortest length.
fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

/// Returns whether a controller with this address and a filter for unicast and broadcast accepts a frame.
fn is_for(address: &[u8], frame: &[u8]) -> bool {
    frame.get(..6).is_some_and(|to| to == address || to == [0xff; 6]) && frame.len() <= LONGEST
}

/// Performs the operations of a transaction. `exchange` sends a byte to the chip, and returns the chip's byte.
fn perform(operations: &mut [Operation<'_, u8>], mut exchange: impl FnMut(u8) -> u8) {
    for operation in operations {
        match operation {
            Operation::Read(buffer) => buffer.iter_mut().for_each(|to| *to = exchange(0)),
            Operation::Write(bytes) => bytes.iter().for_each(|byte| _ = exchange(*byte)),
            Operation::TransferInPlace(buffer) => buffer.iter_mut().for_each(|byte| *byte = exchange(*byte)),
            Operation::Transfer(..) | Operation::DelayNs(_) => panic!("the models have no such operation"),
        }
    }
}
