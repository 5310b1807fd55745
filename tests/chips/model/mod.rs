//! Models of Ethernet controllers, at the level of the transactions on their SPI bus.

pub mod w5500;

/// The shortest frame that an Ethernet controller sends, in bytes, without the checksum.
const SHORTEST: usize = 60;
/// The longest frame that a controller accepts, in bytes, without the checksum.
const LONGEST: usize = 1514;

/// Returns a frame, padded to the shortest length.
fn padded(frame: &[u8]) -> Vec<u8> {
    let mut padded = frame.to_vec();
    padded.resize(frame.len().max(SHORTEST), 0);
    padded
}

/// Returns whether a controller with this address and a filter for unicast and broadcast accepts a frame.
fn is_for(address: &[u8], frame: &[u8]) -> bool {
    frame.get(..6).is_some_and(|to| to == address || to == [0xff; 6]) && frame.len() <= LONGEST
}
