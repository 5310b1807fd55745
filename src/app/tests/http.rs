//! Tests http: requests and answers in buffers of several sizes.

use std::cell::Cell;

use smoltcp::time::Duration;

use super::rig::*;
use crate::app::http::{Row, Service, Status, Transport};
use crate::app::{APPS, Options, Server, find};
use crate::stack::{DropReason, End, Event, Next, Probe};

/// Creates a status with 4 rows, so that 2 pages can receive events.
fn status() -> &'static Status<'static> {
    let rows: &'static [Cell<Option<Row>>] = Box::leak(Box::new([const { Cell::new(None) }; 4]));
    let status = Status::new(rows, smoltcp::time::Instant::ZERO);
    status.serves(Service { name: "http", transport: Transport::Tcp, port: 1000 });
    Box::leak(Box::new(status))
}

fn serve_with(status: &'static Status<'static>, buffers: Buffers) -> Tcp<Server<'static>> {
    let options = Options { status: Some(status), ..Options::default() };
    Tcp::server(find("http").unwrap().server(&options).unwrap(), buffers)
}

fn serve(buffers: Buffers) -> Tcp<Server<'static>> {
    serve_with(status(), buffers)
}

fn text(tcp: &mut Tcp<Server<'static>>) -> String {
    String::from_utf8(tcp.take()).unwrap()
}

/// Sends a whole request. Returns the answer.
fn ask(tcp: &mut Tcp<Server<'static>>, request: &str) -> String {
    tcp.send(request.as_bytes());
    text(tcp)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const EVENTS: &str = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";

/// Decodes a chunked answer. Returns its content and the data after the answer.
fn chunked(answer: &str) -> (String, &str) {
    let (head, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nTransfer-Encoding: chunked"), "{head}");
    let mut content = String::new();
    loop {
        let (length, from_data) = rest.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let (data, after) = from_data.split_at(length);
        content.push_str(data);
        rest = after.strip_prefix("\r\n").unwrap();
        if length == 0 {
            return (content, rest);
        }
    }
}

#[test]
fn the_page_is_complete_with_buffers_of_any_size() {
    for buffers in [BIG, Buffers { receive: 1072, send: 1460 }, SMALL] {
        let mut tcp = serve(buffers);
        let answer = ask(&mut tcp, GET);
        let (page, rest) = chunked(&answer);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && rest.is_empty(), "{answer}");
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</script>\n"), "{page}");
        assert!(page.contains("<tr><th scope=\"row\">http<td>tcp 1000<td>shows the stack's work"), "{page}");
        for name in ["section", "table", "dl", "main"] {
            let count = |tag: String| page.matches(tag.as_str()).count();
            assert_eq!(count(format!("<{name}")), count(format!("</{name}>")), "{name}");
        }
        assert!(!tcp.closed(), "the connection stays for the next request");
    }
}

#[test]
fn requests_are_answered_one_after_another() {
    let mut tcp = serve(SMALL);
    let many = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nosuch HTTP/1.1\nHost: a\n\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n\
                GET http://a/?x=1 HTTP/1.1\r\nHost: a\r\nConnection: te, Close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    tcp.send(many.as_bytes());
    let answers = text(&mut tcp);
    let (_, rest) = chunked(&answers);
    let (head, rest) = rest.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
    let length: usize = head.split_once("Content-Length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
    let (head, rest) = rest[length..].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("chunked"), "{head}");
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n") && rest.contains("\r\nConnection: close\r\n"), "{rest}");
    assert!(rest.ends_with("</script>\n"), "requests after `Connection: close` are not answered");
    assert!(tcp.closed());
    tcp.close();
    assert_eq!(tcp.end, Some(End::Closed));
}

#[test]
fn the_page_is_not_chunked_for_clients_that_read_to_the_end() {
    for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"] {
        let mut tcp = serve(SMALL);
        let answer = ask(&mut tcp, request);
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("chunked") && page.starts_with("<!DOCTYPE html>") && page.ends_with("</script>\n"));
        // No line of the answer is a chunk size.
        assert!(page.lines().all(|line| line.is_empty() || usize::from_str_radix(line, 16).is_err()), "{page}");
        assert!(tcp.closed());
    }
}

#[test]
fn refusals_state_the_reason() {
    let long = "x".repeat(1100);
    let many = "a: b\r\n".repeat(1400);
    for (request, status, closes) in [
        ("GET /nosuch HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", false),
        ("GET /Events HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", false),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", false),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed", false),
        ("POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed", true),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "405 Method Not Allowed", true),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400 Bad Request", true),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400 Bad Request",
            true,
        ),
        ("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "400 Bad Request", true),
        ("GET / HTTP/1.1\r\nHost: a\x07\r\n\r\n", "400 Bad Request", true),
        ("GET /\r\n\r\n", "400 Bad Request", true),
        ("GET / FTP/1.1\r\n\r\n", "400 Bad Request", true),
        ("garbage\n", "400 Bad Request", true),
        ("PRI * HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", true),
        (&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414 URI Too Long", true),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), "431 Request Header Fields Too Large", true),
        (&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), "431 Request Header Fields Too Large", true),
        (&"\r\n".repeat(4200), "414 URI Too Long", true),
    ] {
        let mut tcp = serve(Buffers { receive: 16_384, send: 256 });
        let answer = ask(&mut tcp, request);
        let (head, content) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}", content.len())), "{request}: {answer}");
        assert_eq!((tcp.closed(), head.contains("\r\nConnection: close\r\n")), (closes, closes), "{request}: {head}");
        assert_eq!(head.contains("\r\nAllow: GET, HEAD\r\n"), status.starts_with("405"), "{head}");
    }
}

#[test]
fn a_line_that_does_not_fit_is_refused() {
    for (receive, fits, too_long) in [(4096, 1022, 1023), (64, 64, 65)] {
        for (len, status) in [(fits, "404"), (too_long, "414")] {
            let mut tcp = serve(Buffers { receive, send: 64 });
            let rest = " HTTP/1.1\r\n";
            let line = format!("GET /{}{rest}", "x".repeat(len - 5 - rest.len()));
            tcp.offer(format!("{line}Host: a\r\n\r\n").as_bytes());
            assert!(text(&mut tcp).starts_with(&format!("HTTP/1.1 {status} ")), "{receive} {len}");
        }
    }
}

#[test]
fn answers_contain_nothing_from_the_request() {
    let mut tcp = serve(BIG);
    let answer =
        ask(&mut tcp, "GET /<script>alert(1)</script>?\x7f HTTP/1.1\r\nHost: <b>\r\n\r\n").to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 4") && !answer.contains("alert") && !answer.contains("<b>"), "{answer}");
}

#[test]
fn a_slow_head_times_out() {
    let mut tcp = serve(BIG);
    for byte in GET.bytes().take(12) {
        tcp.send(&[byte]);
        assert_eq!(text(&mut tcp), "");
        tcp.pass(Duration::from_millis(850));
    }
    assert!(text(&mut tcp).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    assert!(tcp.closed());
}

#[test]
fn an_idle_connection_is_closed_without_an_answer() {
    let mut tcp = serve(BIG);
    tcp.pass(Duration::from_millis(9990));
    assert!(!tcp.closed());
    tcp.pass(Duration::from_millis(20));
    assert_eq!((text(&mut tcp).as_str(), tcp.closed()), ("", true));

    let mut tcp = serve(BIG);
    assert!(ask(&mut tcp, GET).starts_with("HTTP/1.1 200 OK\r\n"));
    tcp.pass(Duration::from_millis(4980));
    assert!(ask(&mut tcp, GET).starts_with("HTTP/1.1 200 OK\r\n"));
    tcp.pass(Duration::from_millis(5010));
    assert_eq!((text(&mut tcp).as_str(), tcp.closed()), ("", true));
}

#[test]
fn a_request_before_the_end_of_stream_is_answered() {
    for request in [GET, EVENTS] {
        let mut tcp = serve(SMALL);
        tcp.send(request.as_bytes());
        tcp.close();
        assert!(text(&mut tcp).starts_with("HTTP/1.1 200 OK\r\n"));
        tcp.pass(Duration::from_millis(10));
        assert!(tcp.closed());
    }
}

/// Checks that `text` consists of whole events. Returns the number of events.
#[track_caller]
fn events(text: &str) -> usize {
    assert!(text.is_empty() || text.ends_with("\n\n"), "{text}");
    for event in text.split_terminator("\n\n") {
        assert!(event.lines().all(|line| line.starts_with("data:")), "{event}");
        assert!(event.starts_with("data:<section") && event.ends_with("</section>"), "{event}");
        assert!(!event.contains("Programs"), "a section that never changes is not sent again");
    }
    text.split_terminator("\n\n").count()
}

#[test]
fn events_follow_changes_soon_and_otherwise_come_each_second() {
    for buffers in [BIG, SMALL] {
        let mut status = status();
        let mut tcp = serve_with(status, buffers);
        let answer = ask(&mut tcp, EVENTS);
        let (head, first) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nContent-Type: text/event-stream"), "{head}");
        assert_eq!(events(first), 1, "the first event is immediate");
        tcp.pass(Duration::from_millis(990));
        assert_eq!(events(&text(&mut tcp)), 0);
        tcp.pass(Duration::from_millis(10));
        assert_eq!(events(&text(&mut tcp)), 1);

        tcp.pass(Duration::from_millis(400));
        let before = tcp.now;
        status.event(before, &Event::Dropped(DropReason::SlotsFull));
        tcp.pass(Duration::from_millis(250));
        let received = text(&mut tcp);
        assert_eq!(events(&received), 1);
        assert!(received.contains("<dt>all connection slots taken<dd>1<"), "{received}");
        // Many changes are combined into few events.
        for _ in 0..100 {
            status.event(tcp.now, &Event::Dropped(DropReason::SlotsFull));
            tcp.pass(Duration::from_millis(10));
        }
        let received = text(&mut tcp);
        assert!((4..=5).contains(&events(&received)), "{received}");
        tcp.close();
        tcp.pass(Duration::from_millis(250));
        assert!(tcp.closed());
    }
}

#[test]
fn at_most_half_as_many_pages_as_rows_receive_events() {
    let status = status();
    let mut first = serve_with(status, BIG);
    let mut second = serve_with(status, BIG);
    let mut third = serve_with(status, BIG);
    for (tcp, code) in [(&mut first, "200"), (&mut second, "200"), (&mut third, "503")] {
        assert!(ask(tcp, EVENTS).starts_with(&format!("HTTP/1.1 {code} ")));
    }
    first.reset();
    assert_eq!(first.end, Some(End::Reset));
    assert!(ask(&mut third, EVENTS).starts_with("HTTP/1.1 200 "), "the connection was still open");
    assert!(ask(&mut serve_with(status, BIG), EVENTS).starts_with("HTTP/1.1 503 "));
}

#[test]
fn a_peer_that_reads_nothing_is_reset() {
    let mut tcp = serve(BIG);
    // The answers to these requests exceed both sides' buffers, and the peer reads nothing.
    for _ in 0..40 {
        tcp.offer(GET.as_bytes());
    }
    assert!(matches!(tcp.next(), Next::WakeAt(_)));
    tcp.pass(Duration::from_millis(60_010));
    assert_eq!(tcp.end, Some(End::Aborted));
}

#[test]
fn names_and_summaries_of_programs_need_no_escaping() {
    for app in APPS {
        assert!(!(app.name.contains(['&', '<', '>']) || app.program.summary().contains(['&', '<', '>'])), "{app:?}");
    }
}

#[test]
fn the_page_is_small_and_loads_no_other_file() {
    let page = chunked(&ask(&mut serve(BIG), GET)).0;
    assert!(page.len() < 5 * 1024, "{} bytes", page.len());
    for word in ["src=", "http:", "https:", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(size_of::<crate::app::http::Server<'_>>() <= 224, "{}", size_of::<crate::app::http::Server<'_>>());
}

/// Each reason for which a frame is dropped has a line and a count of its own.
#[test]
fn the_page_counts_each_reason_for_a_drop() {
    let mut status = status();
    for (place, &why) in DropReason::ALL.iter().enumerate() {
        for _ in 0..=place {
            status.event(smoltcp::time::Instant::ZERO, &Event::Dropped(why));
        }
    }
    let mut tcp = serve_with(status, BIG);
    let answer = ask(&mut tcp, GET);
    let (page, _) = chunked(&answer);
    for (place, &why) in DropReason::ALL.iter().enumerate() {
        assert!(page.contains(&format!("<dt>{why}<dd>{}<", place + 1)), "{why}: {page}");
    }
}
