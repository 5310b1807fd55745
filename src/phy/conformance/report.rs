//! What a check found.

use core::fmt;

/// What is known of a device that passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The longest frame, in bytes, with the Ethernet header.
    pub mtu: usize,
    /// How many frames the device takes before it gives no more transmit tokens; none if a whole burst went through.
    pub transmit_queue: Option<usize>,
    /// How many frames wait at the device before the link refuses more; none if a whole burst was taken.
    pub receive_queue: Option<usize>,
    /// Frames that the burst lost and that were counted.
    pub lost: u64,
    /// Frames of others that came in between.
    pub foreign: usize,
}

/// A line for the console.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MTU {}; holds ", self.mtu)?;
        frames(f, self.transmit_queue)?;
        f.write_str(" to send and ")?;
        frames(f, self.receive_queue.map(|n| n - (self.lost as usize).min(n)))?;
        f.write_str(" received")?;
        if self.lost > 0 {
            write!(f, "; {} of a burst lost and counted", self.lost)?;
        }
        if self.foreign > 0 {
            write!(f, "; {} of others passed over", self.foreign)?;
        }
        Ok(())
    }
}

fn frames(f: &mut fmt::Formatter<'_>, count: Option<usize>) -> fmt::Result {
    match count {
        Some(count) => write!(f, "{count} frames"),
        None => f.write_str("a whole burst"),
    }
}

/// The rule that a device breaks, and how; its text is one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// What was seen.
    pub fault: Fault,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.fault)
    }
}

impl core::error::Error for Failure {}

/// What every device must do, in the order in which it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The clock goes on, and never back.
    Clock,
    /// The capabilities are possible, and do not change.
    Capabilities,
    /// Where no frame waits, `receive` gives none.
    Idle,
    /// Frames of every length leave whole; shorter ones than 60 bytes may be padded with zeros.
    Sending,
    /// Frames of every length arrive whole.
    Receiving,
    /// A reply can be written while the frame is read.
    Reply,
    /// A token that is dropped sends nothing and takes no room.
    UnusedToken,
    /// A device without room gives no token, loses nothing that it took, and has room again when its frames have left.
    Exhaustion,
    /// Of a burst longer than the queue, nothing is lost without being counted, and nothing changes places.
    Burst,
    /// A burst of `max_burst_size` frames of full length is kept.
    PromisedBurst,
    /// A frame of no bytes does no harm.
    Empty,
    /// A frame longer than the MTU is refused, lost or delivered, but never cut.
    TooLong,
    /// Checksums that the capabilities leave to the device are computed and verified by it.
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
            Rule::Empty => "a frame of no bytes",
            Rule::TooLong => "a frame longer than the MTU",
            Rule::Checksums => "checksums",
        })
    }
}

/// How a rule is broken. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// What a protocol's checksum is wrong in: a frame came through that the device should have dropped.
    BadChecksumPassed(&'static str),
    /// `max_burst_size` is 0: nothing could ever be sent.
    BurstOfNone,
    /// The capabilities are not the same when asked for again.
    CapabilitiesChange,
    /// A frame with a protocol's right checksum, or none where that is allowed, did not come through.
    ChecksumRefused(&'static str),
    /// The device should have computed a protocol's checksum and did not.
    ChecksumWrong(&'static str),
    /// The clock went back.
    ClockBack,
    /// The clock did not move for a million readings.
    ClockStands,
    /// The byte at this position is another one than was sent.
    Damaged(usize),
    /// More than 64 frames of others.
    Foreign,
    /// A frame changed its length.
    Length {
        /// As it was sent.
        sent: usize,
        /// As it came.
        came: usize,
    },
    /// How many frames are missing, and how many of them were counted as lost.
    Lost {
        /// Sent, taken by device and link, and never seen.
        missing: u64,
        /// Counted as lost.
        counted: u64,
    },
    /// The MTU is below 576 bytes and the Ethernet header, or above what IP can fill.
    Mtu(usize),
    /// `receive` gave nothing though a frame waits and there is room for a reply.
    NotReceived,
    /// The device gives no transmit token though nothing is under way.
    NoToken,
    /// A frame came before, or more than once, or that nobody sent.
    Order,
    /// The byte at this position is padding and not zero: what was in memory leaks to the network.
    Padding(usize),
    /// The link refuses a frame of this length with nothing under way.
    Refused(usize),
    /// The scratch buffer holds less than a frame and a byte: the number of bytes needed.
    Scratch(usize),
    /// A transmit token asked for one length gave a buffer of another.
    TokenLength {
        /// Asked for.
        asked: usize,
        /// Given.
        given: usize,
    },
    /// A frame came that nobody sent.
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
            Fault::Foreign => f.write_str("too many frames that nobody here sent"),
            Fault::Length { sent, came } => write!(f, "{sent} bytes were sent, {came} came"),
            Fault::Lost { missing, counted } => write!(f, "{missing} frames lost, {counted} counted"),
            Fault::Mtu(mtu) => write!(f, "an MTU of {mtu} bytes"),
            Fault::NotReceived => f.write_str("a frame waits and is not given out"),
            Fault::NoToken => f.write_str("no token though nothing is under way"),
            Fault::Order => f.write_str("a frame out of order, or twice"),
            Fault::Padding(at) => write!(f, "byte {at} is padding and not 0"),
            Fault::Refused(len) => write!(f, "the link refuses a frame of {len} bytes"),
            Fault::Scratch(needed) => write!(f, "the scratch buffer needs {needed} bytes"),
            Fault::TokenLength { asked, given } => write!(f, "a token for {asked} bytes gave {given}"),
            Fault::Unsent => f.write_str("a frame came that nobody sent"),
        }
    }
}

impl core::error::Error for Fault {}
