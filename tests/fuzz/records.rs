//! Inputs that are lists of records. Each record is an action and its data.

/// A record: a control byte, the length of its data in two bytes, and the data. The final record of an input can be
/// truncated.
pub struct Record<'i> {
    pub control: u8,
    pub data: &'i [u8],
}

impl Record<'_> {
    /// Returns the length of a pause that [`time`] has recorded, in seconds: the square of the upper six bits.
    pub fn seconds(&self) -> u64 {
        u64::from(self.control >> 2).pow(2)
    }
}

/// The maximum number of records of an input, which limits the time that testing an input takes.
const MOST: usize = 128;

/// Returns the records of an input.
pub fn records(mut input: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (&control, rest) = input.split_first()?;
        let (len, rest) =
            rest.split_first_chunk::<2>().map_or((0, rest), |(len, rest)| (u16::from_be_bytes(*len), rest));
        let (data, rest) = rest.split_at(usize::from(len).min(rest.len()));
        input = rest;
        Some(Record { control, data })
    })
    .take(MOST)
}

/// Adds a record to an input.
pub fn record(input: &mut Vec<u8>, control: u8, data: &[u8]) {
    input.push(control);
    input.extend((data.len() as u16).to_be_bytes());
    input.extend(data);
}

/// Adds a record for a pause. Its length is the square of `root`, in seconds. The two lowest bits of its control byte
/// are `kind`.
pub fn time(input: &mut Vec<u8>, kind: u8, root: u8) {
    record(input, kind | root << 2, &[]);
}
