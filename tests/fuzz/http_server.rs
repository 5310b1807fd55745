//! Fuzzes requests for the status page.
//!
//! Each connection must close, and each response must be complete. After that, a valid client must get the page.

use std::cell::Cell;
use std::collections::BTreeSet;

use smolstep::app::{Options, Row, Server, Service, Status, Transport, find};
use smolstep::stack::End;
use smoltcp::time::Instant;

use super::Target;
use super::mutate;
use super::pair::{Ground, Pair, Peer};
use super::random::Random;

/// The first byte of the input selects how the stream is cut into pieces. The other bytes are requests.
pub const TARGET: Target = Target { name: "http_server", run, honest, hostile };

fn run(input: &[u8]) {
    status_codes(input);
}

/// Processes an input. Returns the status codes of the answers.
fn status_codes(input: &[u8]) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let Some((&cut, bytes)) = input.split_first() else { return seen };
    let rows = [const { Cell::<Option<Row>>::new(None) }; 4];
    let status = Status::new(&rows, Instant::from_secs(1));
    status.serves(Service { name: "http", transport: Transport::Tcp, port: 80 });
    let mut options = Options::default();
    options.status = Some(&status);
    let server = find("http").and_then(|app| app.server(&options)).expect("http has a server");
    let mut ground = Ground::<Server<'_>, Peer>::new();
    let mut pair = Pair::new(&mut ground, server, &status);

    let id = pair.connect(Peer::speaker(bytes, cut));
    let (peer, end) = pair.end(id);
    assert!(matches!(end, End::Closed | End::Reset), "{end:?}");
    // An answer to HEAD announces content that does not follow.
    let rest = parse_answers(&peer.received, &mut seen);
    let asks_for_heads = bytes.windows(4).any(|word| word == b"HEAD");
    assert!(asks_for_heads || end == End::Reset || rest.is_empty(), "{}", rest.escape_ascii());

    let id = pair.connect(Peer::speaker(HONEST[0].as_bytes(), 0));
    let (peer, end) = pair.end(id);
    let page = String::from_utf8(peer.received).expect("the page is text");
    let whole = page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<td>http<td><b id=");
    assert!(end == End::Closed && whole, "{end:?}: {page}");
    seen
}

/// Valid requests, which the test mutates. There is no HEAD, because the test could not tell an answer to HEAD from an
/// answer to GET.
const HONEST: [&str; 7] = [
    "GET / HTTP/1.1\r\nHost: 192.168.69.1:8000\r\nUser-Agent: x\r\nAccept: text/html,*/*;q=0.8\r\nConnection: keep-alive\r\n\r\n",
    "GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n\r\n",
    "GET http://a/?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\nHost: a\n\n",
];

const STATUS: [&str; 8] = ["200 ", "400 ", "404 ", "405 ", "408 ", "414 ", "431 ", "505 "];

/// Bytes that can make a request invalid.
const WORDS: [&[u8]; 15] = [
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b" ",
    b":",
    b"\0",
    b"\xff",
    b"%00",
    b"HTTP/",
    b"/",
    b"99999999999999999999",
    b"\t",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    &[b'a'; 1100],
];

fn honest() -> Vec<Vec<u8>> {
    let all = HONEST.concat();
    HONEST.iter().chain([&all.as_str()]).map(|requests| [b"\0", requests.as_bytes()].concat()).collect()
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut input = vec![if random.one_in(4) { random.next() as u8 } else { 0 }];
    let requests = 1 + random.below(16);
    for _ in 0..requests {
        let mut request = random.pick(&HONEST).as_bytes().to_vec();
        if !random.one_in(3) {
            mutate(random, &mut request, 0, &WORDS);
        }
        input.extend(request);
    }
    (input, requests)
}

#[cfg(not(fuzzing))]
#[test]
fn every_status_code_occurs_except_for_too_many_pages() {
    let mut seen = BTreeSet::new();
    for number in 0..1000 {
        seen.append(&mut status_codes(&hostile(&mut Random(number)).0));
    }
    assert_eq!(seen, STATUS.into());
}

/// Parses complete answers, and adds their status codes to `seen`. Returns the remaining bytes.
fn parse_answers<'r>(mut reply: &'r [u8], seen: &mut BTreeSet<&'static str>) -> &'r [u8] {
    while let Some(at) = reply.windows(4).position(|end| end == b"\r\n\r\n") {
        let (Ok(head), content) = (std::str::from_utf8(&reply[..at]), &reply[at + 4..]) else { return reply };
        let status = head.strip_prefix("HTTP/1.1 ").unwrap_or_default();
        let Some(known) = STATUS.into_iter().find(|known| status.starts_with(known)) else { return reply };
        seen.insert(known);
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let rest = if let Some(length) = field("Content-Length: ") {
            content.get(length.parse().expect("a length is a number")..)
        } else if field("Transfer-Encoding: chunked").is_some() {
            chunks(content)
        } else {
            let whole = content.ends_with(b"</script>\n") || content.ends_with(b"\n\n");
            (whole && field("Connection: close").is_some()).then_some(&[][..])
        };
        let Some(rest) = rest else { return reply };
        reply = rest;
    }
    reply
}

/// Returns the bytes after a chunked body, or `None` if the body is incomplete.
fn chunks(mut content: &[u8]) -> Option<&[u8]> {
    loop {
        let at = content.windows(2).position(|end| end == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&content[..at]).ok()?, 16).ok()?;
        content = content.get(at + 2 + length..)?.strip_prefix(b"\r\n")?;
        if length == 0 {
            return Some(content);
        }
    }
}
