//! Writes captures in the pcapng format (draft-ietf-opsawg-pcapng), block by block and without a heap.

use smoltcp::phy::Medium;

use crate::phy::is_ethernet;
use crate::stack::Direction;

/// The destination of a capture's bytes, for example a file, a UART or memory.
pub trait Sink {
    /// The error from a write.
    type Error;

    /// Writes all of `bytes`, in order.
    ///
    /// # Errors
    /// Returns an error if some bytes could not be written. The capture then ends within a block. Do not write more
    /// bytes to this capture.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Flushes buffered bytes, if the sink has a buffer.
    ///
    /// # Errors
    /// Returns an error if the flush fails. The capture is then incomplete.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// A [`std::io::Write`] as a sink. Use a buffered writer, because each block consists of many small writes.
#[cfg(feature = "std")]
#[derive(Clone, Debug)]
pub struct IoSink<W>(pub W);

#[cfg(feature = "std")]
impl<W: std::io::Write> Sink for IoSink<W> {
    type Error = std::io::Error;

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// The largest number of bytes kept of a frame: an Ethernet header and the longest IP packet.
///
/// A longer frame is cut, but its real length is recorded.
pub const SNAP_LEN: usize = 65_535 + 14;

/// The longest comment or interface name, in bytes. A longer text is cut, but never within a character.
pub const TEXT: usize = 1024;

/// The type of the frames on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet frames, without the frame check sequence.
    Ethernet,
    /// IPv4 and IPv6 packets.
    RawIp,
}

impl From<Medium> for LinkType {
    fn from(medium: Medium) -> Self {
        if is_ethernet(medium) { LinkType::Ethernet } else { LinkType::RawIp }
    }
}

impl LinkType {
    /// Returns the number of this type in the registry of link types.
    fn number(self) -> u16 {
        match self {
            LinkType::Ethernet => 1,
            LinkType::RawIp => 101,
        }
    }
}

/// An interface of a capture, as returned by [`Writer::interface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceId(u32);

/// A frame to write.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The interface on which the frame was seen.
    pub interface: InterfaceId,
    /// The time in microseconds since 1970-01-01 00:00 UTC.
    pub micros: u64,
    /// The frame's direction, if known.
    pub direction: Option<Direction>,
    /// The frame's bytes. At most 65,549 bytes are kept.
    pub bytes: &'a [u8],
    /// A comment of at most 1,024 bytes, which Wireshark displays, or an empty string.
    pub comment: &'a str,
}

/// Writes one capture: a section with any number of interfaces and their frames.
///
/// Numbers are little-endian, and times are in microseconds. The writer stores only the sink and the number of
/// interfaces, because every call writes a whole block.
#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    interfaces: u32,
}

impl<S: Sink> Writer<S> {
    /// Begins a capture and writes its section header.
    ///
    /// # Errors
    /// Returns the sink's error if a write fails.
    pub fn new(mut sink: S) -> Result<Self, S::Error> {
        // The body has 16 bytes: the byte order, the version, and the length of the section, which is not known.
        block(&mut sink, SECTION_HEADER, 16, |sink| {
            sink.write_all(&BYTE_ORDER_MAGIC.to_le_bytes())?;
            sink.write_all(&VERSION_1_0)?;
            sink.write_all(&UNKNOWN_LENGTH)
        })?;
        Ok(Writer { sink, interfaces: 0 })
    }

    /// Adds an interface, so that frames on the interface can be written.
    ///
    /// # Errors
    /// Returns the sink's error if a write fails.
    pub fn interface(&mut self, name: &str, link: LinkType) -> Result<InterfaceId, S::Error> {
        let name = cut(name).as_bytes();
        let options = option_len(name) + option_len(&MICROSECONDS) + option_len(&[]);
        // The body has 8 bytes before the options: the link type, two reserved bytes, and the length limit of a frame.
        block(&mut self.sink, INTERFACE_DESCRIPTION, 8 + options, |sink| {
            sink.write_all(&link.number().to_le_bytes())?;
            // These two bytes are reserved.
            sink.write_all(&[0, 0])?;
            sink.write_all(&(SNAP_LEN as u32).to_le_bytes())?;
            option(sink, IF_NAME, name)?;
            option(sink, IF_TSRESOL, &MICROSECONDS)?;
            option(sink, END_OF_OPTIONS, &[])
        })?;
        let id = InterfaceId(self.interfaces);
        self.interfaces += 1;
        Ok(id)
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Returns the sink's error if a write fails.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Result<(), S::Error> {
        let kept = frame.bytes.get(..SNAP_LEN).unwrap_or(frame.bytes);
        let len = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let comment = cut(frame.comment).as_bytes();
        // The lowest two bits of the option epb_flags are the direction.
        let flags: u32 = match frame.direction {
            None => 0,
            Some(Direction::In) => 1,
            Some(Direction::Out) => 2,
        };
        let flags = flags.to_le_bytes();

        let comment_len = if comment.is_empty() { 0 } else { option_len(comment) };
        let options = comment_len + option_len(&flags) + option_len(&[]);
        // The body has 20 bytes before the frame: interface, time (8 bytes), length kept, and length of the frame.
        block(&mut self.sink, ENHANCED_PACKET, 20 + padded(kept.len()) + options, |sink| {
            sink.write_all(&frame.interface.0.to_le_bytes())?;
            // The upper half of the time comes first.
            sink.write_all(&((frame.micros >> 32) as u32).to_le_bytes())?;
            sink.write_all(&(frame.micros as u32).to_le_bytes())?;
            sink.write_all(&(kept.len() as u32).to_le_bytes())?;
            sink.write_all(&len.to_le_bytes())?;
            padded_bytes(sink, kept)?;
            if !comment.is_empty() {
                option(sink, OPT_COMMENT, comment)?;
            }
            option(sink, EPB_FLAGS, &flags)?;
            option(sink, END_OF_OPTIONS, &[])
        })
    }

    /// Flushes the sink.
    ///
    /// # Errors
    /// Returns the sink's error if the flush fails.
    pub fn flush(&mut self) -> Result<(), S::Error> {
        self.sink.flush()
    }

    /// Returns the sink without flushing it.
    pub fn into_sink(self) -> S {
        self.sink
    }
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION_1_0: [u8; 4] = [1, 0, 0, 0];
const UNKNOWN_LENGTH: [u8; 8] = [0xff; 8];

const END_OF_OPTIONS: u16 = 0;
const OPT_COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;

/// The value of the option if_tsresol: times are in units of 10⁻⁶ s.
const MICROSECONDS: [u8; 1] = [6];

/// Writes a block of the type `kind`, with a body of `len` bytes that `body` writes. `len` must be a multiple of 4.
fn block<S: Sink>(
    sink: &mut S,
    kind: u32,
    len: usize,
    body: impl FnOnce(&mut S) -> Result<(), S::Error>,
) -> Result<(), S::Error> {
    // The type and the two copies of the total length take 12 bytes. The total fits into 32 bits, because a block
    // contains at most a frame, a comment and about a hundred bytes.
    let total = (len + 12) as u32;
    sink.write_all(&kind.to_le_bytes())?;
    sink.write_all(&total.to_le_bytes())?;
    body(sink)?;
    sink.write_all(&total.to_le_bytes())
}

/// Writes an option of at most [`TEXT`] bytes.
fn option<S: Sink>(sink: &mut S, code: u16, value: &[u8]) -> Result<(), S::Error> {
    sink.write_all(&code.to_le_bytes())?;
    sink.write_all(&(value.len() as u16).to_le_bytes())?;
    padded_bytes(sink, value)
}

/// Returns the length of an option in the file, in bytes.
fn option_len(value: &[u8]) -> usize {
    4 + padded(value.len())
}

/// Writes bytes, then zeros up to a multiple of 4.
fn padded_bytes<S: Sink>(sink: &mut S, bytes: &[u8]) -> Result<(), S::Error> {
    sink.write_all(bytes)?;
    sink.write_all(&[0; 3][..padded(bytes.len()) - bytes.len()])
}

/// Returns `len` rounded up to a multiple of 4.
fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// Returns the first [`TEXT`] bytes of a string, or fewer if that would split a character.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT)]
}

#[cfg(all(test, feature = "std"))]
mod tests;
