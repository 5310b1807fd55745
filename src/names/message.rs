//! The parts of DNS messages that a stub resolver needs (RFC 1035 section 4, RFC 3596).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::rules::{self, LONGEST, NameError};

/// The length in bytes of the longest query: a header, the longest name, type and class.
pub(super) const LONGEST_QUERY: usize = HEADER + 255 + 4;

/// The length of a message's header in bytes.
const HEADER: usize = 12;
/// The offset of the flags in a message's header, in bytes (RFC 1035 section 4.1.1).
const FLAGS: usize = 2;
/// The offset of the number of questions in the header.
const QUESTIONS: usize = 4;
/// The offset of the number of answers in the header.
const ANSWERS: usize = 6;
/// The flag that marks a reply.
const QR: u16 = 0x8000;
/// The bits of the flag that marks a reply, and of the opcode. The opcode of a standard query is 0.
const QR_AND_OPCODE: u16 = 0xf800;
/// The flag that marks a truncated message.
const TRUNCATED: u16 = 0x0200;
/// The error code that says that the name does not exist.
const NO_SUCH_NAME: u8 = 3;
/// The length in bytes of the type and the class after the name of a question or a record.
const TYPE_AND_CLASS: usize = 4;
/// The Internet class.
const IN: u16 = 1;
/// The type of a record that makes its name an alias of another name, which is the record's data.
const CNAME: u16 = 5;
/// The maximum number of aliases that a lookup follows. Common resolvers have the same limit. A longer chain is a loop
/// or an attack.
const ALIASES: usize = 16;
/// The maximum number of labels and pointers in a name. This maximum limits the time to parse a reply.
const HOPS: usize = 128;

/// A host name in wire format: for each label its length and its bytes, then a 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    wire: heapless::Vec<u8, LONGEST>,
}

impl Name {
    /// Parses a name: letters, digits, hyphens and underscores between dots. A trailing dot is ignored.
    ///
    /// # Errors
    /// Returns [`NameError`] if the text is not a valid host name.
    pub fn new(text: &str) -> Result<Name, NameError> {
        rules::check(text)?;
        let mut wire = heapless::Vec::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            // `check` has limited the length of each label, so the length fits in one byte.
            wire.push(label.len() as u8).map_err(|_| NameError::TooLong)?;
            wire.extend_from_slice(label.as_bytes()).map_err(|_| NameError::TooLong)?;
        }
        // The empty label ends the name.
        wire.push(0).map_err(|_| NameError::TooLong)?;
        Ok(Name { wire })
    }

    /// Returns the name in wire format.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }
}

/// The type of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    A = 1,
    Aaaa = 28,
}

/// The result of reading a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The number of addresses in the reply. Zero means that the name has no address of the query's kind.
    Addresses(usize),
    /// The name leads through more than [`ALIASES`] aliases.
    AliasLoop,
    /// The server returned the given error code (RFC 1035 section 4.1.1).
    Failed(u8),
    /// The reply answers the query but cannot be parsed.
    Malformed,
    NoSuchName,
    /// The reply answers another query.
    NotOurs,
    /// The server says that the reply was truncated. The field is the number of addresses in the reply. The name can
    /// have more addresses.
    Truncated(usize),
}

/// Writes a query for the addresses of `name` into `out`. Returns the query's length in bytes.
pub(super) fn question(id: u16, name: &Name, kind: Kind, out: &mut [u8; LONGEST_QUERY]) -> usize {
    let wire = name.wire();
    // The header: the recursion-desired flag is set, and there is one question.
    out[..HEADER].copy_from_slice(&[(id >> 8) as u8, id as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    out[HEADER..HEADER + wire.len()].copy_from_slice(wire);
    // The type and the class follow the name.
    out[HEADER + wire.len()..HEADER + wire.len() + 4].copy_from_slice(&[0, kind as u8, 0, IN as u8]);
    HEADER + wire.len() + 4
}

/// Parses a reply to the query with this `id`, `name` and `kind`. Calls `each` with each address in the reply, and
/// returns the kind of reply.
pub(super) fn reply(bytes: &[u8], id: u16, name: &Name, kind: Kind, each: impl FnMut(IpAddr)) -> Reply {
    // A reply to a standard query has the QR bit set and the opcode 0.
    let Some(flags) = word(bytes, FLAGS).filter(|flags| word(bytes, 0) == Some(id) && flags & QR_AND_OPCODE == QR)
    else {
        return Reply::NotOurs;
    };
    let (truncated, code) = (flags & TRUNCATED != 0, (flags & 0xf) as u8);
    // If a server cannot parse the question, it can omit the question from the reply.
    if code != 0 && code != NO_SUCH_NAME && word(bytes, QUESTIONS) == Some(0) {
        return Reply::Failed(code);
    }
    // The reply repeats the question: its name, its type and its class. `after` is the offset of the type.
    let Some(after) = skip_name(bytes, HEADER) else { return Reply::Malformed };
    if word(bytes, QUESTIONS) != Some(1) {
        return Reply::Malformed;
    }
    if !same_name(bytes, HEADER, name.wire(), 0) || word(bytes, after) != Some(kind as u16) {
        return Reply::NotOurs;
    }
    match code {
        0 => {}
        NO_SUCH_NAME => return Reply::NoSuchName,
        code => return Reply::Failed(code),
    }
    let count = word(bytes, ANSWERS).unwrap_or(0);
    let records = Records { bytes, at: after + TYPE_AND_CLASS, left: count };
    match canonical_name(records).and_then(|owner| read_addresses(records, owner, kind, each)) {
        Ok(found) if truncated => Reply::Truncated(found),
        // The server can cut a reply in the middle of a record.
        Err(_) if truncated => Reply::Truncated(0),
        Ok(found) => Reply::Addresses(found),
        Err(reply) => reply,
    }
}

/// Follows the aliases of the question's name. Returns the position of the name that owns the addresses. The records
/// can be in any order, so the search for each alias begins with the first record.
fn canonical_name(records: Records<'_>) -> Result<usize, Reply> {
    // The question's name follows the header.
    let (bytes, mut owner) = (records.bytes, HEADER);
    // One search more than aliases: the final search finds no further alias.
    for _ in 0..=ALIASES {
        // `flatten` skips a malformed record.
        let mut aliases = records.flatten();
        match aliases.find(|r| r.kind == CNAME && same_name(bytes, r.name, bytes, owner)) {
            Some(alias) => owner = alias.data,
            None => return Ok(owner),
        }
    }
    Err(Reply::AliasLoop)
}

/// Calls `each` with each address of the name at `owner`, and returns the number of addresses.
///
/// # Errors
/// Returns [`Reply::Malformed`] if a record before the first address, or the first address, cannot be parsed.
fn read_addresses(
    records: Records<'_>,
    owner: usize,
    kind: Kind,
    mut each: impl FnMut(IpAddr),
) -> Result<usize, Reply> {
    let bytes = records.bytes;
    let mut found = 0;
    for record in records {
        let Some(record) = record else { return if found > 0 { Ok(found) } else { Err(Reply::Malformed) } };
        // The record has another type, or belongs to another name.
        if record.kind != kind as u16 || !same_name(bytes, record.name, bytes, owner) {
            continue;
        }
        let data = bytes.get(record.data..record.data + record.len).unwrap_or_default();
        let address = match kind {
            Kind::A => <[u8; 4]>::try_from(data).map(|bytes| Ipv4Addr::from(bytes).into()),
            Kind::Aaaa => <[u8; 16]>::try_from(data).map(|bytes| Ipv6Addr::from(bytes).into()),
        };
        let Ok(address) = address else { return if found > 0 { Ok(found) } else { Err(Reply::Malformed) } };
        each(address);
        found += 1;
    }
    Ok(found)
}

/// A resource record: the positions of its name and of its data, and the length of its data.
struct Record {
    name: usize,
    kind: u16,
    data: usize,
    len: usize,
}

/// Iterates over the records of a section. For a malformed record, the iterator returns `Some(None)`, and then ends.
#[derive(Clone, Copy)]
struct Records<'m> {
    bytes: &'m [u8],
    at: usize,
    left: u16,
}

impl Iterator for Records<'_> {
    type Item = Option<Record>;

    /// Returns the next record, `Some(None)` if it is malformed, or `None` after the section or a malformed record.
    fn next(&mut self) -> Option<Option<Record>> {
        self.left = self.left.checked_sub(1)?;
        let record = self.read_record();
        match &record {
            Some(record) => self.at = record.data + record.len,
            None => self.left = 0,
        }
        Some(record)
    }
}

impl Records<'_> {
    /// Reads the record at the current position. Returns `None` if the record is malformed (RFC 1035 section 4.1.3).
    fn read_record(&self) -> Option<Record> {
        let after_name = skip_name(self.bytes, self.at)?;
        // Type numbers have other meanings in other classes. A record of another class is treated as type 0, which no
        // query requests.
        let kind = word(self.bytes, after_name).filter(|_| word(self.bytes, after_name + 2) == Some(IN)).unwrap_or(0);
        // The TTL takes four bytes, and the length of the data takes two.
        let len = usize::from(word(self.bytes, after_name + TYPE_AND_CLASS + 4)?);
        let data = after_name + TYPE_AND_CLASS + 6;
        (data + len <= self.bytes.len()).then_some(Record { name: self.at, kind, data, len })
    }
}

/// Returns the position after the name at `at`, or `None` if the name is malformed. A name ends with a 0 or a pointer
/// (RFC 1035 section 4.1.4).
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    // Each iteration skips one label. A name with more labels than `HOPS` is treated as malformed.
    for _ in 0..HOPS {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            len @ 1..=63 => at += 1 + usize::from(len),
            // A pointer has two bytes.
            0xc0.. => return bytes.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
    None
}

/// Returns whether the names at offset `a_at` of `a` and `b_at` of `b` are equal, ignoring case. A malformed name is
/// not equal to any name.
fn same_name(a: &[u8], a_at: usize, b: &[u8], b_at: usize) -> bool {
    let (mut a, mut b) = (Labels { bytes: a, at: a_at, hops: HOPS }, Labels { bytes: b, at: b_at, hops: HOPS });
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {
                // The empty label ends both names.
                if a.is_empty() {
                    return true;
                }
            }
            _ => return false,
        }
    }
}

/// Iterates over the labels of a name, and follows the name's pointers. The final label is empty. If the name is
/// malformed, the iterator ends before an empty label.
struct Labels<'m> {
    bytes: &'m [u8],
    at: usize,
    hops: usize,
}

impl<'m> Iterator for Labels<'m> {
    type Item = &'m [u8];

    /// Returns the next label, without its length byte, or `None` if the name is malformed. `hops` limits the number of
    /// labels and pointers.
    fn next(&mut self) -> Option<&'m [u8]> {
        loop {
            self.hops = self.hops.checked_sub(1)?;
            let len = usize::from(*self.bytes.get(self.at)?);
            match len {
                0..=63 => {
                    let label = self.bytes.get(self.at + 1..self.at + 1 + len)?;
                    self.at += 1 + len;
                    return Some(label);
                }
                // A pointer: the lower 14 bits are the position at which the name continues.
                0xc0.. => self.at = (len & 0x3f) << 8 | usize::from(*self.bytes.get(self.at + 1)?),
                _ => return None,
            }
        }
    }
}

/// Reads the 16-bit number at position `at`.
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
