//! The text of a TCP segment, as packetdrill writes it: `S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>`.

use alloc::vec::Vec;
use core::fmt;

pub use super::scan::Error;
use super::scan::Scanner;

/// The flags of a segment: one bit each, as in byte 13 of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The ACK flag, which is written `.`.
    pub const ACK: u8 = 0x10;
    /// The FIN flag.
    pub const FIN: u8 = 0x01;
    /// The PSH flag.
    pub const PSH: u8 = 0x08;
    /// The RST flag.
    pub const RST: u8 = 0x04;
    /// The SYN flag.
    pub const SYN: u8 = 0x02;

    /// Returns whether all flags of `mask` are set.
    pub fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }
}

/// The letters of the flags, in the order in which they are written.
const FLAGS: [(char, u8); 8] = [
    ('S', Flags::SYN),
    ('F', Flags::FIN),
    ('R', Flags::RST),
    ('P', Flags::PSH),
    ('U', 0x20),
    ('E', 0x40),
    ('W', 0x80),
    ('.', Flags::ACK),
];

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        FLAGS.iter().filter(|(_, bit)| self.has(*bit)).try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

/// The maximum number of SACK blocks in the options of a segment.
pub const MAX_BLOCKS: usize = 4;

/// The maximum length of a segment's options, in bytes.
const MAX_OPTIONS: usize = 40;

/// The maximum length of a segment's payload in a script, in bytes. A segment longer than the MTU is sent in several
/// frames.
const MAX_LEN: u32 = 65_535;

/// An option of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The end of the options.
    Eol,
    /// The maximum segment size (RFC 9293 section 3.7.1).
    Mss(u16),
    /// One byte without a meaning.
    Nop,
    /// Selective acknowledgements: for each block, its first sequence number and the number after its last (RFC 2018).
    Sack(heapless::Vec<(u32, u32), MAX_BLOCKS>),
    /// Permission to send selective acknowledgements.
    SackOk,
    /// Timestamps: the sender's timestamp, and the echo of the receiver's timestamp (RFC 7323).
    Timestamp(u32, u32),
    /// An option of another kind, given as its number. Scripts have no word for such an option, so only a segment that
    /// was read from a frame can contain one.
    Unknown(u8),
    /// The window scale (RFC 7323).
    WindowScale(u8),
}

impl Choice {
    /// Returns the option's length in bytes.
    fn len(&self) -> usize {
        match self {
            Choice::Eol | Choice::Nop => 1,
            Choice::Mss(_) => 4,
            Choice::Sack(blocks) => 2 + 8 * blocks.len(),
            // An option of an unknown kind is written without a value, so it takes two bytes.
            Choice::SackOk | Choice::Unknown(_) => 2,
            Choice::Timestamp(..) => 10,
            Choice::WindowScale(_) => 3,
        }
    }

    /// Returns whether the option only fills space.
    pub fn is_padding(&self) -> bool {
        matches!(self, Choice::Eol | Choice::Nop)
    }
}

impl fmt::Display for Choice {
    /// Writes the option as in a script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Eol => f.write_str("eol"),
            Choice::Mss(size) => write!(f, "mss {size}"),
            Choice::Nop => f.write_str("nop"),
            Choice::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(first, after)| write!(f, " {first}:{after}"))
            }
            Choice::SackOk => f.write_str("sackOK"),
            Choice::Timestamp(val, ecr) => write!(f, "TS val {val} ecr {ecr}"),
            Choice::Unknown(kind) => write!(f, "option {kind}"),
            Choice::WindowScale(shift) => write!(f, "wscale {shift}"),
        }
    }
}

/// A segment as text. Its numbers are relative to the initial sequence numbers, which the text does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentText {
    /// The flags.
    pub flags: Flags,
    /// The sequence number of the first byte, or of SYN or FIN if there is no payload.
    pub seq: u32,
    /// The number of payload bytes.
    pub len: u32,
    /// The acknowledgement number, if the ACK flag is set. A number that the text omits is 0.
    pub ack: Option<u32>,
    /// The window field, not scaled. `None` if the text omits it.
    pub window: Option<u16>,
    /// The options in their order. `None` stands for `<...>`, which matches any options.
    pub options: Option<Vec<Choice>>,
}

/// Parses the text of a segment, which begins with its flags.
///
/// # Errors
/// [`Error`] names the wrong word and its column.
pub fn parse(text: &str) -> Result<SegmentText, Error> {
    let mut scanner = Scanner::new(text);
    let segment = SegmentText::scan(&mut scanner)?;
    scanner.end("the end of the segment")?;
    Ok(segment)
}

const FLAGS_EXPECTED: &str = "the flags: S, F, R, P, U, E, W and . for ACK, or - for none";
const NUMBERS: &str = "the first number, the last number and the length, as in 1:1001(1000)";
const NUMBER: &str = "a number from 0 to 4294967295";
const OPTION: &str = "an option: mss, wscale, sackOK, sack, TS, nop or eol";
const TIMESTAMP: &str = "TS val NUMBER ecr NUMBER";

impl SegmentText {
    /// Reads a segment. Other text can follow it.
    pub(super) fn scan(scanner: &mut Scanner<'_>) -> Result<SegmentText, Error> {
        let flags = flags(scanner)?;
        let seq = scanner.number(u32::MAX, NUMBERS)?;
        scanner.need(":", NUMBERS)?;
        let mut at_last = *scanner;
        let last = scanner.number(u32::MAX, NUMBERS)?;
        scanner.need("(", NUMBERS)?;
        let len = scanner.number(MAX_LEN, "a length from 0 to 65535")?;
        scanner.need(")", NUMBERS)?;
        if last != seq.wrapping_add(len) {
            return Err(at_last.expected("the sum of the first number and the length"));
        }
        let mut at_ack = *scanner;
        let mut ack = flags.has(Flags::ACK).then_some(0);
        if scanner.eat("ack") {
            let number = scanner.number(u32::MAX, NUMBER)?;
            // Without the flag `.`, which is ACK, a segment has no acknowledgement number.
            let ack = ack.as_mut().ok_or_else(|| at_ack.expected("left out, as the flags do not contain ."))?;
            *ack = number;
        }
        let window = match scanner.eat("win") {
            true => Some(scanner.number(u16::MAX.into(), "a window from 0 to 65535")? as u16),
            false => None,
        };
        let options = options(scanner)?;
        Ok(SegmentText { flags, seq, len, ack, window, options })
    }

    /// Returns the length of the options, including their padding, in bytes.
    pub(super) fn options_len(&self) -> usize {
        options_len(self.options.as_deref().unwrap_or_default())
    }
}

/// Returns the length of options with their padding, which fills the last word of 4 bytes.
fn options_len(options: &[Choice]) -> usize {
    options.iter().map(Choice::len).sum::<usize>().next_multiple_of(4)
}

/// Reads the flags: one letter for each, or `-` for none.
fn flags(scanner: &mut Scanner<'_>) -> Result<Flags, Error> {
    let rest = scanner.rest();
    let len = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let mut flags = 0;
    let word = rest.get(..len).unwrap_or_default();
    for letter in word.chars() {
        match FLAGS.iter().find(|(known, _)| *known == letter) {
            // A letter that comes twice is an error.
            Some((_, bit)) if flags & bit == 0 => flags |= bit,
            None if word == "-" => {}
            _ => return Err(scanner.expected(FLAGS_EXPECTED)),
        }
    }
    if word.is_empty() {
        return Err(scanner.expected(FLAGS_EXPECTED));
    }
    scanner.advance(len);
    Ok(Flags(flags))
}

/// Reads the options between `<` and `>`, and returns an empty list if there are none. Returns `None` for three dots,
/// which match any options.
fn options(scanner: &mut Scanner<'_>) -> Result<Option<Vec<Choice>>, Error> {
    let mut options = Vec::new();
    if !scanner.eat("<") {
        return Ok(Some(options));
    }
    if scanner.eat("...") {
        scanner.need(">", "> after ...")?;
        return Ok(None);
    }
    loop {
        let mut at_option = *scanner;
        options.push(option(scanner)?);
        if options_len(&options) > MAX_OPTIONS {
            return Err(at_option.expected("left out: the options would take more than 40 bytes"));
        }
        if scanner.eat(">") {
            return Ok(Some(options));
        }
        scanner.need(",", "a comma and the next option, or >")?;
    }
}

/// Reads one option.
fn option(scanner: &mut Scanner<'_>) -> Result<Choice, Error> {
    let mut at_name = *scanner;
    match scanner.word() {
        "eol" => Ok(Choice::Eol),
        "mss" => Ok(Choice::Mss(scanner.number(u16::MAX.into(), "a size from 0 to 65535")? as u16)),
        "nop" => Ok(Choice::Nop),
        "sack" => {
            let mut blocks = heapless::Vec::new();
            // The option has at least one block, and a block begins with a digit.
            while blocks.is_empty() || scanner.peek().is_some_and(|c| c.is_ascii_digit()) {
                let mut at_block = *scanner;
                let first = scanner.number(u32::MAX, "a block, as in 1001:2001")?;
                scanner.need(":", "a block, as in 1001:2001")?;
                let after = scanner.number(u32::MAX, NUMBER)?;
                if blocks.push((first, after)).is_err() {
                    return Err(at_block.expected("left out: a segment has room for four blocks"));
                }
            }
            Ok(Choice::Sack(blocks))
        }
        "sackOK" => Ok(Choice::SackOk),
        "TS" => {
            scanner.need("val", TIMESTAMP)?;
            let val = scanner.number(u32::MAX, TIMESTAMP)?;
            scanner.need("ecr", TIMESTAMP)?;
            Ok(Choice::Timestamp(val, scanner.number(u32::MAX, TIMESTAMP)?))
        }
        "wscale" => Ok(Choice::WindowScale(scanner.number(255, "a shift from 0 to 255")? as u8)),
        _ => Err(at_name.expected(OPTION)),
    }
}

impl fmt::Display for SegmentText {
    /// Writes the segment as in a script. A missing window is not written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.seq.wrapping_add(self.len);
        write!(f, "{} {}:{last}({})", self.flags, self.seq, self.len)?;
        if let Some(ack) = self.ack {
            write!(f, " ack {ack}")?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        match self.options.as_deref() {
            None => f.write_str(" <...>"),
            Some([]) => Ok(()),
            Some([first, rest @ ..]) => {
                write!(f, " <{first}")?;
                rest.iter().try_for_each(|option| write!(f, ",{option}"))?;
                f.write_str(">")
            }
        }
    }
}
