//! Fuzzes responses for the HTTP client.
//!
//! The client must not hang, and its result must not depend on segment boundaries.

use smolstep::app::http_client::{Failure, Head, Output, OutputFailed, Response};

use super::Target;
use super::mutate;
use super::random::Random;

/// The input is two bytes, followed by a response.
///
/// The first byte is the seed for the lengths of the pieces. The second is the number of body bytes that the output
/// accepts in one call.
pub const TARGET: Target = Target { name: "http_client", run, honest, hostile };

/// The length of the longest accepted header section, in bytes.
const HEAD: usize = 256;

fn run(input: &[u8]) {
    let Some((&[cut, room], bytes)) = input.split_first_chunk() else { return };
    let whole = read(bytes, || bytes.len(), usize::MAX);
    let mut random = Random(cut.into());
    let pieces = read(bytes, || 1 + random.below(60), usize::from(room).max(1));
    assert!(whole == pieces, "{whole:?}, but {pieces:?} in pieces");
    assert!(whole.body.len() <= bytes.len() && whole.heads.len() <= 1, "{whole:?}");
    assert!(whole.heads.iter().all(|(status, _, len)| (200..=999).contains(status) && *len <= HEAD), "{whole:?}");
    if let (Ok(()), [(_, Some(length), _)]) = (whole.result, &whole.heads[..]) {
        assert_eq!(whole.body.len() as u64, *length);
    }
}

/// The result of parsing a response.
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

/// Feeds the response to the client in pieces of `cut()` bytes. The output accepts `room` bytes in one call.
fn read(bytes: &[u8], mut cut: impl FnMut() -> usize, room: usize) -> Outcome {
    let mut page = Page { heads: Vec::new(), body: Vec::new(), room };
    let mut response = Response::<HEAD>::new();
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
            // As with a socket, the unused bytes of a piece are passed again, together with the next bytes.
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

/// Parts of responses, and bytes that can make a response invalid.
const WORDS: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b":",
    b" ",
    b"0",
    b"-1",
    b"ffffffffffffffff",
    b"99999999999999999999",
    b"Content-Length: 7\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"HTTP/1.1 ",
    b"\0",
    b"\x1b[2J",
    b",",
];

fn honest() -> Vec<Vec<u8>> {
    HEADS.iter().flat_map(|head| BODIES.map(|body| [b"\x07\x10", head.as_bytes(), body.as_bytes()].concat())).collect()
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut bytes = [random.pick(&HEADS), random.pick(&BODIES)].concat().into_bytes();
    // One response in five stays unchanged, and therefore valid.
    if !random.one_in(5) {
        mutate(random, &mut bytes, 0, &WORDS);
    }
    bytes.splice(0..0, random.bytes(2));
    (bytes, 1)
}

/// Checks that some mutated responses are valid and some are not.
#[cfg(not(fuzzing))]
#[test]
fn some_responses_are_valid_and_some_are_not() {
    let (mut whole, mut broken) = (0, 0);
    for number in 0..1000 {
        let (input, _) = hostile(&mut Random(number));
        if read(&input[2..], || 1000, 1000).result.is_ok() { whole += 1 } else { broken += 1 }
    }
    assert!(whole > 100 && broken > 100, "{whole} and {broken}");
}
