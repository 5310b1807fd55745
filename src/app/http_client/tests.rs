//! Tests the parser with responses split into pieces of every size, and the client with a real socket.

use core::cell::RefCell;

use smoltcp::time::Duration;

use super::*;
use crate::app::tests::rig::*;
use crate::stack::End;

/// An output that accepts at most `room` bytes at a time.
#[derive(Clone, Debug, Default)]
struct Page {
    head: Vec<u8>,
    status: u16,
    reason: String,
    length: Option<u64>,
    location: Vec<u8>,
    body: Vec<u8>,
    room: usize,
    refuse_body: bool,
    fail: bool,
}

impl Output for Page {
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        assert!(self.head.is_empty(), "`head` was called twice");
        self.head = head.bytes.to_vec();
        (self.status, self.reason, self.length) = (head.status, head.reason.into(), head.length);
        self.location = head.location.unwrap_or_default().to_vec();
        Ok(!self.refuse_body)
    }

    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        assert!(!piece.is_empty());
        if self.fail {
            return Err(OutputFailed);
        }
        let len = piece.len().min(self.room);
        self.body.extend_from_slice(&piece[..len]);
        Ok(len)
    }
}

fn page(room: usize) -> Page {
    Page { room, ..Page::default() }
}

/// Feeds `bytes` in pieces of `cut`, then the end of the stream. Returns the page, or the failure.
fn read(bytes: &[u8], cut: usize, room: usize) -> Result<Page, Failure> {
    let (mut response, mut page) = (Response::<512>::new(), page(room));
    for mut piece in bytes.chunks(cut) {
        while !piece.is_empty() && !response.is_done() {
            let used = response.feed(piece, &mut page)?;
            assert!(used > 0 || response.is_done(), "stuck at {}", piece.escape_ascii());
            piece = &piece[used..];
        }
    }
    response.end().map(|()| page)
}

#[test]
fn responses_are_parsed_from_pieces_of_any_size() {
    for (bytes, status, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more", 200, "hello"),
        ("HTTP/1.1 200 OK\r\ncontent-length:5 \r\nCONTENT-LENGTH:  5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5,05\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello", 200, ""),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
        ("HTTP/1.0 200 OK\n\nuntil\r\n\r\nthe end", 200, "until\r\n\r\nthe end"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, "x"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\n\r\nx", 404, "x"),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, ""),
        ("HTTP/1.1 200\r\n\r\nx", 200, "x"),
        ("HTTP/1.1 999 \r\n\r\n", 999, ""),
        // Heads of old servers, which curl also accepts.
        ("HTTP/1.1   200  \t OK\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.0 200 \u{e9}\u{1b}\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\nContent-Length \t: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n 1\r\n\t\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\nX: a\n b: c\n\td\nContent-Length: 1\n\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\n Content-Length: 2\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\na b: c\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\na: \u{1b}[31m\0\r\nb: \rc\r\n\u{e9}: d\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nxy", 200, "xy"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity,\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, "x"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            200,
            "x",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding : \r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, "x"),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nxy", 200, "x"),
    ] {
        for cut in 1..=bytes.len() {
            for room in [1, 3, 1000] {
                let page = read(bytes.as_bytes(), cut, room).unwrap();
                let read = (page.status, core::str::from_utf8(&page.body).unwrap());
                assert_eq!(read, (status, body), "{bytes:?} in pieces of {cut}");
            }
        }
    }
}

#[test]
fn the_head_is_passed_to_the_output_unchanged() {
    let head = "HTTP/1.1 302 Found here\r\nLocation: /a b\r\nX: 1\r\nlocation: /c\r\nContent-Length: 3\r\n\r\n";
    let page = read(format!("{head}abc").as_bytes(), 7, 100).unwrap();
    assert_eq!((page.head, page.location), (head.as_bytes().to_vec(), b"/a b".to_vec()));
    assert_eq!((page.reason.as_str(), page.length), ("Found here", Some(3)));
}

#[test]
fn a_folded_line_is_joined() {
    let head = "HTTP/1.1 302 Found\r\n x: y\r\nLocation: /a\r\n\t b\n c\r\nContent-Length: 3\r\n\r\n";
    let page = read(format!("{head}abc").as_bytes(), 7, 100).unwrap();
    assert_eq!(page.head, head.replace("\r\n\t", "  \t").replace("\n c", "  c").into_bytes());
    assert_eq!(page.location, b"/a  \t b  c");
}

#[test]
fn invalid_responses_are_rejected() {
    let lines = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:\r\n".repeat(count));
    let length = |value: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nhello");
    let coding = |value: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    for (bytes, failure) in [
        ("".into(), Failure::NoAnswer),
        ("HTTP/1.1 200 OK\r\nContent-Len".into(), Failure::HeadCut),
        ("HTTP/1.1 200 OK\r\n\r".into(), Failure::HeadCut),
        ("SSH-2.0-OpenSSH\r\n".into(), Failure::NotHttp),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/2 200\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.2 200 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 20 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 2000 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 099 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 -20 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1\t200 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 200OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 \r\n 200 OK\r\n\r\n".into(), Failure::NotHttp),
        ("HTTP/1.1 200 OK\r\nContent-Length: \u{1b}5\r\n\r\n".into(), Failure::BadField),
        ("HTTP/1.1 200 OK\r\nContent-Length : 5\rX: y\r\n\r\n".into(), Failure::BadField),
        ("HTTP/1.1 200 OK\r\nTransfer-encoding: chunked\0\r\n\r\n".into(), Failure::BadField),
        (format!("HTTP/1.1 200 OK\r\na: b\r\n{}", " c\r\n".repeat(10_000)), Failure::HeadTooLong(512)),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "?\r\n".repeat(101)), Failure::TooManyFields),
        ("HTTP/1.1 101 Switching\r\n\r\n".into(), Failure::Switched),
        ("HTTP/1.1 100 Continue\r\n\r\n".repeat(17), Failure::TooManyInterim),
        (lines(101), Failure::TooManyFields),
        (lines(10_000), Failure::HeadTooLong(512)),
        (length("-1"), Failure::BadLength),
        (length("+5"), Failure::BadLength),
        (length("0x5"), Failure::BadLength),
        (length("five"), Failure::BadLength),
        (length(""), Failure::BadLength),
        (length("5,"), Failure::BadLength),
        (length("18446744073709551616"), Failure::BadLength),
        (length("5, 6"), Failure::LengthsDiffer),
        (length("5\r\nContent-Length: 6"), Failure::LengthsDiffer),
        (length("18446744073709551615"), Failure::Short { received: 5, length: u64::MAX }),
        (length("6"), Failure::Short { received: 5, length: 6 }),
        (coding("gzip"), Failure::UnknownCoding),
        (coding("gzip, chunked"), Failure::UnknownCoding),
        (coding("chunked;q=1"), Failure::UnknownCoding),
        (coding("identity, gzip"), Failure::UnknownCoding),
        (coding("chunked").replace("0\r\n\r\n", "0\r\n"), Failure::NoEnd(5)),
        (coding("chunked").replace("5\r\n", "6\r\n"), Failure::Chunk(ChunkError::MissingEnd)),
        (coding("chunked").replace("5\r\n", "five\r\n"), Failure::Chunk(ChunkError::BadSize)),
    ] {
        for cut in [1, 2, 3, 10, bytes.len().max(1)] {
            let read = read(bytes.as_bytes(), cut, 1000).map(|page| page.body);
            assert_eq!(read, Err(failure), "{bytes:.40?} in pieces of {cut}");
        }
    }
}

#[test]
fn the_request_names_its_host_and_target() {
    let output = RefCell::new(page(1000));
    let request = Request::new("[fdaa::1]:8000", "/a?b").unwrap();
    let mut tcp = Tcp::client(Get::<_, _, 512>::new(request, &output, TIMEOUT), SMALL, Script::default());
    let text = String::from_utf8(tcp.take()).unwrap();
    assert!(text.starts_with("GET /a?b HTTP/1.1\r\nHost: [fdaa::1]:8000\r\n"), "{text}");
    assert!(text.ends_with("\r\nConnection: close\r\n\r\n"), "{text}");
    for (host, target) in [("", "/"), ("a", ""), ("a", "b"), ("a\r\nX: y", "/"), ("a", "/ b"), ("a", "/\u{e9}")] {
        assert_eq!(Request::new(host, target), None, "{host:?} {target:?}");
    }
}

#[test]
fn a_long_body_passes_through_small_buffers() {
    let body = "0123456789".repeat(100);
    let (output, mut tcp) = (RefCell::new(page(7)), None);
    let tcp = tcp.insert(get(&output, SMALL));
    tcp.take();
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    tcp.send(text.as_bytes());
    tcp.pass(Duration::from_millis(100));
    assert_eq!(tcp.session.result(), Some(Ok(())));
    tcp.close();
    assert_eq!((tcp.end, output.borrow().body.as_slice()), (Some(End::Closed), body.as_bytes()));
}

#[test]
fn a_full_output_stops_the_sender_and_the_timeout() {
    let body = "0123456789".repeat(100);
    let output = RefCell::new(page(0));
    let mut tcp = get(&output, Buffers { receive: 100, send: 100 });
    tcp.take();
    tcp.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{body}").as_bytes());
    tcp.pass(TIMEOUT * 3);
    assert_eq!((tcp.session.result(), tcp.unread(), output.borrow().body.len()), (None, 100, 0));
    output.borrow_mut().room = 1000;
    tcp.pass(Duration::from_millis(500));
    assert_eq!((tcp.session.result(), output.borrow().body.len()), (Some(Ok(())), 1000));
}

#[test]
fn a_silent_server_times_out() {
    for (sent, received) in [("", 0), ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 2)] {
        let output = RefCell::new(page(1000));
        let mut tcp = get(&output, BIG);
        tcp.send(sent.as_bytes());
        tcp.pass(TIMEOUT - Duration::from_millis(20));
        assert_eq!(tcp.end, None);
        tcp.pass(Duration::from_millis(40));
        assert_eq!((tcp.session.result(), tcp.end), (Some(Err(Failure::TimedOut)), Some(End::Aborted)));
        assert_eq!(output.borrow().body.len(), received);
    }
}

#[test]
fn a_slow_head_must_be_complete_within_the_timeout() {
    let output = RefCell::new(page(1000));
    let mut tcp = get(&output, BIG);
    for byte in "HTTP/1.1 200 OK\r\nA: B\r\n\r\n".bytes() {
        if tcp.end.is_none() {
            tcp.send(&[byte]);
            tcp.pass(TIMEOUT / 10);
        }
    }
    assert_eq!(tcp.session.result(), Some(Err(Failure::TimedOut)));
}

#[test]
fn a_slow_body_may_take_longer_than_the_timeout() {
    let output = RefCell::new(page(1000));
    let mut tcp = get(&output, BIG);
    tcp.send(b"HTTP/1.1 200 OK\r\n\r\n");
    for _ in 0..10 {
        tcp.pass(TIMEOUT / 2);
        tcp.send(b"x");
    }
    tcp.close();
    assert_eq!((tcp.session.result(), output.borrow().body.len()), (Some(Ok(())), 10));
}

#[test]
fn a_server_that_does_not_close_is_reset_after_a_second() {
    let output = RefCell::new(page(1000));
    let mut tcp = get(&output, BIG);
    tcp.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and what nobody asked for");
    assert_eq!((tcp.session.result(), tcp.end), (Some(Ok(())), None));
    tcp.pass(Duration::from_millis(900));
    assert_eq!(tcp.end, None);
    tcp.pass(Duration::from_millis(200));
    assert_eq!((tcp.session.result(), tcp.end), (Some(Ok(())), Some(End::Aborted)));
    assert_eq!(output.borrow().body, b"hi");
}

#[test]
fn a_connection_that_the_server_keeps_open_is_closed_immediately() {
    let output = RefCell::new(page(1000));
    let mut tcp = get(&output, BIG);
    tcp.send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(tcp.session.result(), Some(Ok(())));
    let bytes = tcp.take();
    assert!(!bytes.is_empty() && tcp.closed(), "no FIN has come");
    // If the server does not close within a second after the client's FIN, the client resets the connection.
    tcp.pass(Duration::from_millis(900));
    assert_eq!(tcp.end, None);
    tcp.pass(Duration::from_millis(200));
    assert_eq!(tcp.end, Some(End::Aborted));
}

#[test]
fn a_reset_is_a_failure() {
    let output = RefCell::new(page(1000));
    let mut tcp = get(&output, BIG);
    tcp.send(b"HTTP/1.1 200 OK\r\n\r\nno length, so no end");
    tcp.reset();
    assert_eq!(tcp.session.result(), Some(Err(Failure::Broken { end: End::Reset, received: 20, length: None })));
}

#[test]
fn an_output_may_refuse_the_body_or_fail() {
    let text = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 1000\r\n\r\nover there";
    let output = RefCell::new(Page { refuse_body: true, ..page(1000) });
    let mut tcp = get(&output, BIG);
    tcp.send(text);
    assert_eq!((tcp.session.result(), output.borrow().body.len()), (Some(Ok(())), 0));

    let output = RefCell::new(Page { fail: true, ..page(1000) });
    let mut tcp = get(&output, BIG);
    tcp.send(text);
    assert_eq!((tcp.session.result(), tcp.end), (Some(Err(Failure::Output)), Some(End::Aborted)));
}

const TIMEOUT: Duration = Duration::from_secs(5);

fn get(output: &RefCell<Page>, buffers: Buffers) -> Tcp<Get<&'static str, &RefCell<Page>, 512>> {
    let request = Request::new("192.168.69.1", "/").unwrap();
    Tcp::client(Get::new(request, output, TIMEOUT), buffers, Script::default())
}
