//! Reads the options of a DHCP message (RFC 2132) from all fields that can contain options.

/// The offset of the field `options` in a message, in bytes (RFC 2131 section 3).
const OPTIONS: usize = 240;
/// The range of the field `file`, which can contain further options.
const FILE: core::ops::Range<usize> = 108..236;
/// The range of the field `sname`, which can contain further options.
const SNAME: core::ops::Range<usize> = 44..108;

const PAD: u8 = 0;
const OVERLOAD: u8 = 52;
const END: u8 = 255;

/// Returns the number and the data of each option in a message. The field `options` is read first, then `file` and
/// `sname` if the option `overload` says that they contain options (RFC 2131 section 4.1).
pub(super) fn options(message: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    // A message that is too short has no options.
    let first = Field(message.get(OPTIONS..).unwrap_or_default());
    let overload = Field(first.0).find_map(|option| match option {
        (OVERLOAD, &[which]) => Some(which),
        _ => None,
    });
    // RFC 2132 section 9.3: the value 1 means `file`, 2 means `sname`, and 3 means both.
    let which = overload.unwrap_or(0);
    let file = message.get(FILE).filter(|_| which & 1 != 0).unwrap_or_default();
    let sname = message.get(SNAME).filter(|_| which & 2 != 0).unwrap_or_default();
    [first, Field(file), Field(sname)].into_iter().flatten()
}

/// The options in one field. The options end at the option `end` or at the first option that does not fit the field.
struct Field<'m>(&'m [u8]);

impl<'m> Iterator for Field<'m> {
    type Item = (u8, &'m [u8]);

    /// Returns the number and the data of the next option. Skips padding.
    fn next(&mut self) -> Option<(u8, &'m [u8])> {
        loop {
            let (&kind, rest) = self.0.split_first()?;
            self.0 = rest;
            match kind {
                PAD => {}
                // Nothing after this option is read.
                END => self.0 = &[],
                _ => {
                    let (&len, rest) = rest.split_first()?;
                    let (data, rest) = rest.split_at_checked(len.into())?;
                    self.0 = rest;
                    return Some((kind, data));
                }
            }
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    /// Returns a DHCP message with the fields `file` and `sname`. The options are a message type and `overload`.
    fn message(overload: &[u8], file: &[u8], sname: &[u8]) -> Vec<u8> {
        // 53 is the message type. Its data is one byte long: 2, a DHCPOFFER.
        let mut message = vec![0; OPTIONS];
        message[FILE.start..FILE.start + file.len()].copy_from_slice(file);
        message[SNAME.start..SNAME.start + sname.len()].copy_from_slice(sname);
        message.extend([53, 1, 2, PAD, PAD]);
        message.extend(overload);
        message
    }

    fn kinds(message: &[u8]) -> Vec<u8> {
        options(message).map(|(kind, _)| kind).collect()
    }

    #[test]
    fn file_and_sname_are_read_in_this_order_if_the_message_says_so() {
        // Option 1 is the mask, and option 3 the router. The 99 after `END` is not read.
        let (file, sname) = ([1, 4, 255, 255, 255, 0, END], [3, 4, 10, 0, 0, 1, END, 99, 0]);
        for (which, found) in [(0, vec![53, 52]), (1, vec![53, 52, 1]), (2, vec![53, 52, 3]), (3, vec![53, 52, 1, 3])] {
            assert_eq!(kinds(&message(&[52, 1, which, END], &file, &sname)), found);
        }
        assert_eq!(kinds(&message(&[END, 52, 1, 3], &file, &sname)), [53]);
    }

    #[test]
    fn an_option_that_is_too_long_ends_its_field_only() {
        let long = [1, 200, 255];
        assert_eq!(kinds(&message(&[52, 1, 3], &long, &[3, 4, 10, 0, 0, 1])), [53, 52, 3]);
        for len in 0..OPTIONS {
            assert_eq!(kinds(&vec![1; len]), [0; 0]);
        }
    }

    /// Reads random messages of every length up to 999 bytes.
    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut state = 1_u32;
        for len in 0..1_000 {
            // A linear congruential generator. The high bits are the most random ones.
            let mut random_byte = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            // The shift makes the bytes of some messages small, so that many short options fit into a field.
            let mut bytes: Vec<u8> = (0..len).map(|_| random_byte() >> (len % 8)).collect();
            // The first option is `overload`, so that `file` and `sname` are read too.
            bytes.iter_mut().skip(OPTIONS).zip([OVERLOAD, 1, 3]).for_each(|(target, byte)| *target = byte);
            // Each option takes at least two bytes: its number and its length.
            assert!(options(&bytes).count() <= len / 2);
        }
    }
}
