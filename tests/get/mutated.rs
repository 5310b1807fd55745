//! 100,000 changed responses: nothing panics, nothing sticks, and how they are cut makes no difference.
//!
//! SMOLSTEP_SEED=NUMBER takes others. A failure says which seed brings it back.

use smolstep::app::http_client::{Failure, Head, Output, OutputFailed, Response};

use crate::common::hostile::random::{Random, seed};

const RESPONSES: usize = 100_000;
const SEED: u64 = 0x6e7_5eed;

#[test]
fn mutated_responses_end_the_same_however_they_are_cut() {
    let seed = seed(SEED);
    let (mut complete, mut failed) = (0, 0);
    for number in 0..RESPONSES {
        let mut random = Random(seed.wrapping_add(number as u64));
        let bytes = mutated(&mut random);
        let whole = read(&bytes, || bytes.len(), usize::MAX);
        let room = 1 + random.below(40);
        let cut = read(&bytes, || 1 + random.below(60), room);
        let again =
            format!("SMOLSTEP_SEED={} for the first: {}", seed.wrapping_add(number as u64), bytes.escape_ascii());
        assert!(whole == cut, "{whole:?}, but {cut:?} in pieces; {again}");
        assert!(whole.body.len() <= bytes.len(), "{again}");
        if whole.result.is_ok() { complete += 1 } else { failed += 1 }
    }
    // Changes that are found and changes that are none.
    assert!(complete > RESPONSES / 20 && failed > RESPONSES / 20, "seed {seed}: {complete} complete, {failed} not");
}

/// What came of a response.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<(), Failure>,
    heads: Vec<(u16, Option<u64>, usize)>,
    body: Vec<u8>,
}

struct Page {
    heads: Vec<(u16, Option<u64>, usize)>,
    body: Vec<u8>,
    room: usize,
}

impl Output for Page {
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        assert!(!head.reason.contains(|c: char| c.is_control() && c != '\t'), "{:?}", head.reason);
        self.heads.push((head.status, head.length, head.bytes.len()));
        Ok(true)
    }

    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        let len = piece.len().min(self.room);
        self.body.extend_from_slice(&piece[..len]);
        Ok(len)
    }
}

fn read(bytes: &[u8], mut cut: impl FnMut() -> usize, room: usize) -> Outcome {
    let mut page = Page { heads: Vec::new(), body: Vec::new(), room };
    let mut response = Response::<256>::new();
    let mut rest = bytes;
    let result = loop {
        if response.is_done() {
            break Ok(());
        }
        if rest.is_empty() {
            break response.end();
        }
        let piece = &rest[..cut().clamp(1, rest.len())];
        match response.feed(piece, &mut page) {
            // What is left of a piece comes again with what follows, as from a socket.
            Ok(used) if used > 0 || response.is_done() => rest = &rest[used..],
            Ok(_) => panic!("stuck at {}", piece.escape_ascii()),
            Err(failure) => break Err(failure),
        }
    };
    Outcome { result, heads: page.heads, body: page.body }
}

const HEADS: [&str; 6] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nServer: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.0 200 OK\r\nServer: x\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 404 Not Found\nTransfer-Encoding: chunked\nContent-Length: 3\n\n",
];

const BODIES: [&str; 4] =
    ["hello world", "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", "b\nhello world\r\n0\r\nTrailer: z\r\n\r\n", ""];

/// What stands somewhere in a response, and what breaks it.
const WORDS: [&str; 16] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    ":",
    " ",
    "0",
    "-1",
    "ffffffffffffffff",
    "99999999999999999999",
    "Content-Length: 7\r\n",
    "Transfer-Encoding: gzip\r\n",
    "HTTP/1.1 ",
    "\0",
    "\u{1b}[2J",
    ",",
];

fn mutated(random: &mut Random) -> Vec<u8> {
    let mut bytes = [random.pick(&HEADS), random.pick(&BODIES)].concat().into_bytes();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, random.pick(&WORDS).bytes())),
            2 => drop(bytes.splice(at..end, random.pick(&WORDS).bytes())),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let copy = bytes[at..end].repeat(1 + random.below(30));
                drop(bytes.splice(at..at, copy));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}
