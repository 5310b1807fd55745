//! The result of a conformance check.

use core::fmt;

/// The measured properties of a device that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The length of the longest frame, including the Ethernet header, in bytes.
    pub mtu: usize,
    /// The number of frames that the device accepts before it returns no transmit token. `None` if it accepts a whole
    /// burst.
    pub transmit_queue: Option<usize>,
    /// The number of frames of a burst that the link accepted, including those that were lost later. `None` if the
    /// device received the whole burst.
    pub receive_queue: Option<usize>,
    /// The number of frames of a burst that the link accepted but the device did not receive. The device or the link
    /// has counted all of them as lost.
    pub lost: u64,
    /// The number of foreign frames that arrived during the check.
    pub foreign: usize,
}

/// Formats the report as one line for the console.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MTU {}; holds ", self.mtu)?;
        write_count(f, self.transmit_queue)?;
        f.write_str(" to send and ")?;
        // The frames that the device received are those that were accepted and not lost. `min` prevents an underflow.
        write_count(f, self.receive_queue.map(|n| n - (self.lost as usize).min(n)))?;
        f.write_str(" received")?;
        if self.lost > 0 {
            write!(f, "; {} of a burst lost and counted", self.lost)?;
        }
        if self.foreign > 0 {
            write!(f, "; {} foreign frames ignored", self.foreign)?;
        }
        Ok(())
    }
}

/// Writes a number of frames. `None` means that the queue did not fill up.
fn write_count(f: &mut fmt::Formatter<'_>, count: Option<usize>) -> fmt::Result {
    match count {
        Some(count) => write!(f, "{count} frames"),
        None => f.write_str("a whole burst"),
    }
}

/// The rule that a device breaks, and the fault that the check observed. The `Display` text of a failure is one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// The observed fault.
    pub fault: Fault,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.fault)
    }
}

impl core::error::Error for Failure {}

/// The rules for every device, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The clock advances, and never goes back.
    Clock,
    /// The capabilities have possible values, and do not change.
    Capabilities,
    /// If no frame is waiting, `receive` returns no frame.
    Idle,
    /// Frames of every length are sent unchanged. Frames below 60 bytes are allowed to be padded with zeros.
    Sending,
    /// Frames of every length are received unchanged.
    Receiving,
    /// The device can send a reply while the received frame is still being read.
    Reply,
    /// A token that is dropped unused sends nothing and keeps no slot of the queue.
    UnusedToken,
    /// A device with a full queue returns no token. The device loses no frame that it accepted, and can send again when
    /// its queue is empty.
    Exhaustion,
    /// In a burst longer than the queue, each lost frame is counted, and the other frames stay in order.
    Burst,
    /// A burst of `max_burst_size` full-length frames is received without loss.
    PromisedBurst,
    /// The device still works after an empty frame was sent or received.
    Empty,
    /// A frame longer than the MTU is refused, counted as lost, or delivered whole.
    TooLong,
    /// The device computes and verifies the checksums that its capabilities promise.
    Checksums,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Clock => "clock",
            Rule::Capabilities => "capabilities",
            Rule::Idle => "receiving with no frame waiting",
            Rule::Sending => "sending one frame",
            Rule::Receiving => "receiving one frame",
            Rule::Reply => "replying to a frame while it is read",
            Rule::UnusedToken => "dropping tokens unused",
            Rule::Exhaustion => "sending until there is no token",
            Rule::Burst => "a burst longer than the queue",
            Rule::PromisedBurst => "a burst of max_burst_size full frames",
            Rule::Empty => "an empty frame",
            Rule::TooLong => "a frame longer than the MTU",
            Rule::Checksums => "checksums",
        })
    }
}

/// The way in which a device breaks a rule. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The device delivered a frame with a wrong checksum of this kind, instead of dropping it.
    BadChecksumPassed(&'static str),
    /// `max_burst_size` is 0, so nothing could ever be sent.
    BurstOfNone,
    /// Two calls returned different capabilities.
    CapabilitiesChange,
    /// The device did not deliver a frame whose checksum of this kind is right, or is absent although it is optional.
    ChecksumRefused(&'static str),
    /// The device sent a wrong checksum of this kind, or no checksum.
    ChecksumWrong(&'static str),
    /// The clock went back.
    ClockBack,
    /// The clock did not advance in a million readings.
    ClockStands,
    /// The byte at this offset differs from the byte that was sent.
    Damaged(usize),
    /// More than 64 foreign frames arrived.
    Foreign,
    /// The length of a frame changed.
    Length {
        /// The length sent.
        sent: usize,
        /// The length received.
        came: usize,
    },
    /// More frames are missing than were counted as lost.
    Lost {
        /// Frames that the device and the link accepted but that never arrived.
        missing: u64,
        /// Frames counted as lost.
        counted: u64,
    },
    /// The MTU is less than 576 bytes plus the Ethernet header, or more than an IP packet can fill.
    Mtu(usize),
    /// `receive` returned no frame, though a frame is waiting and a reply can be sent.
    NotReceived,
    /// The device returns no transmit token, though no frame is in flight.
    NoToken,
    /// A frame arrived out of order or twice, or was never sent.
    Order,
    /// The byte at this offset is padding but not zero, so the device reveals the contents of its memory.
    Padding(usize),
    /// The link refuses a frame of this length, though no frame is in flight.
    Refused(usize),
    /// The scratch buffer is shorter than this many bytes. The scratch buffer must be one byte longer than the
    /// longest frame.
    Scratch(usize),
    /// A transmit token provided a buffer of a different length than requested.
    TokenLength {
        /// The length requested.
        asked: usize,
        /// The length of the buffer.
        given: usize,
    },
    /// A frame arrived that was not sent.
    Unsent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::BadChecksumPassed(protocol) => write!(f, "a frame with a wrong {protocol} checksum was delivered"),
            Fault::BurstOfNone => f.write_str("max_burst_size is 0"),
            Fault::CapabilitiesChange => f.write_str("the capabilities change"),
            Fault::ChecksumRefused(protocol) => write!(f, "a frame with a good {protocol} checksum was not delivered"),
            Fault::ChecksumWrong(protocol) => write!(f, "the device does not compute the {protocol} checksum"),
            Fault::ClockBack => f.write_str("the clock went back"),
            Fault::ClockStands => f.write_str("the clock stands still"),
            Fault::Damaged(at) => write!(f, "byte {at} of the frame is not what was sent"),
            Fault::Foreign => f.write_str("too many foreign frames arrived"),
            Fault::Length { sent, came } => write!(f, "{sent} bytes were sent, but {came} arrived"),
            Fault::Lost { missing, counted } => write!(f, "{missing} frames lost, {counted} counted"),
            Fault::Mtu(mtu) => write!(f, "an MTU of {mtu} bytes is out of range"),
            Fault::NotReceived => f.write_str("receive returns no frame though a frame is waiting"),
            Fault::NoToken => f.write_str("no transmit token though no frame is in flight"),
            Fault::Order => f.write_str("a frame arrived out of order or twice"),
            Fault::Padding(at) => write!(f, "byte {at} is padding and not 0"),
            Fault::Refused(len) => write!(f, "the link refuses a frame of {len} bytes"),
            Fault::Scratch(needed) => write!(f, "the scratch buffer needs {needed} bytes"),
            Fault::TokenLength { asked, given } => write!(f, "a token for {asked} bytes gave {given}"),
            Fault::Unsent => f.write_str("a frame arrived that was not sent"),
        }
    }
}

impl core::error::Error for Fault {}
