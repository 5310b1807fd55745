//! An input that is a script: each record gives the next action and its bytes.

/// A record: a byte, the length of its data in two bytes, and the data. An input that ends early cuts the last one short.
pub struct Record<'i> {
    pub control: u8,
    pub data: &'i [u8],
}

impl Record<'_> {
    /// How many seconds pass where it is [`time`]: the square of what the upper six bits say.
    pub fn seconds(&self) -> u64 {
        u64::from(self.control >> 2).pow(2)
    }
}

/// How many records of an input are read. What an input can ask for is bounded by this.
const MOST: usize = 128;

/// The records of an input.
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

/// Adds time that passes: the square of `root` in seconds. `kind` is what stands in the lowest two bits.
pub fn time(input: &mut Vec<u8>, kind: u8, root: u8) {
    record(input, kind | root << 2, &[]);
}
