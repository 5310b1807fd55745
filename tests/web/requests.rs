//! Requests that the server refuses, and what its answers contain.

use std::process::Command;

use crate::common::link::noise;
use crate::common::peer::Peer;
use crate::server::Server;

const NOT_FOUND: &str = "the address is not the one that smolstep printed\n";

#[test]
fn only_its_own_host_is_served() {
    let server = Server::open(&[]);
    let (port, token) = (server.port, server.token.clone());
    let get = |target: &str, hosts: &[&str]| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        server.raw(format!("GET {target} HTTP/1.1\r\n{hosts}\r\n").as_bytes()).unwrap()
    };
    let start = format!("/{token}/start");
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    for host in &ours {
        assert_eq!(get(&start, &[host]).status, 200, "{host}");
        assert_eq!(get(&format!("http://{host}{start}"), &[host]).status, 200, "{host}");
    }
    let refused = format!("only the host 127.0.0.1:{port} is served\n");
    let ours = ours[0].as_str();
    for hosts in [
        &[][..],
        &[""],
        &["127.0.0.1"],
        &["localhost"],
        &["127.0.0.1:1"],
        &["evil.example"],
        &[&format!("evil.example:{port}")],
        &[&format!("127.0.0.1.evil.example:{port}")],
        &[&format!("user@127.0.0.1:{port}")],
        &[&format!("[::1]:{port}")],
        &[&format!("0.0.0.0:{port}")],
        &[&format!("2130706433:{port}")],
        &[ours, ours],
        &[ours, "evil.example"],
    ] {
        let answer = get(&start, hosts);
        assert_eq!((answer.status, answer.body.as_str()), (403, refused.as_str()), "{hosts:?}");
    }
    // A request in the form that a proxy receives names a host in its target, too.
    let answer = get(&format!("http://evil.example:{port}{start}"), &[ours]);
    assert_eq!((answer.status, answer.body), (403, refused.clone()));
    let answer = server.raw(format!("GET {start} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    assert_eq!((answer.status, answer.body), (403, refused));
    server.close();
}

#[test]
fn a_name_that_resolves_to_this_computer_is_refused() {
    let server = Server::open(&[]);
    let port = server.port;
    let rebound = format!("evil.example:{port}:127.0.0.1");
    let url = format!("http://evil.example:{port}/{}/start", server.token);
    let ended = curl(&["--resolve", &rebound, "--write-out", "%{http_code}", &url]);
    assert_eq!(ended, format!("only the host 127.0.0.1:{port} is served\n403"));
    server.close();
}

#[test]
fn only_the_page_itself_may_send_requests() {
    let server = Server::open(&[]);
    let port = server.port;
    let post = |origins: &[String]| {
        let origins: Vec<_> = origins.iter().map(|origin| format!("Origin: {origin}")).collect();
        let mut headers: Vec<&str> = origins.iter().map(String::as_str).collect();
        headers.push("Content-Length: 0");
        server.raw(server.head("POST", "session", &headers).as_bytes()).unwrap()
    };
    for ours in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")] {
        assert_eq!(post(std::slice::from_ref(&ours)).status, 200);
        let answer = post(&[ours.clone(), ours]);
        assert_eq!(answer.status, 403);
    }
    for origin in [
        "null".into(),
        String::new(),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1".into(),
        "http://127.0.0.1:1".into(),
        "http://evil.example".into(),
        format!("http://evil.example:{port}"),
        format!("http://127.0.0.1:{port}/"),
    ] {
        let answer = post(std::slice::from_ref(&origin));
        let refused = "only the page that smolstep serves may send requests\n";
        assert_eq!((answer.status, answer.body.as_str()), (403, refused), "{origin}");
    }
    server.close();
}

#[test]
fn without_the_token_nothing_is_served() {
    let server = Server::open(&[]);
    let host = format!("Host: 127.0.0.1:{}", server.port);
    let (start, end) = server.token.split_at(31);
    let other = if end == "0" { "1" } else { "0" };
    for path in [
        "/".into(),
        "//".into(),
        "/start".into(),
        format!("/{}", server.token),
        format!("//{}/start", server.token),
        format!("/{start}/start"),
        format!("/{start}{other}/start"),
        format!("/{}0/start", server.token),
        format!("/?{}/start", server.token),
    ] {
        let answer = server.raw(format!("GET {path} HTTP/1.1\r\n{host}\r\n\r\n").as_bytes()).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, NOT_FOUND), "{path}");
        assert!(!answer.head.contains(&server.token));
    }
    server.close();
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = Server::open(&[]);
    for path in ["x", "start/", "session/1/", "../start", "..%2fstart", "%73tart", "Cargo.toml", "/etc/passwd"] {
        assert_eq!(
            server.send("GET", path, b"").status,
            if path.starts_with("session/") { 405 } else { 404 },
            "{path}"
        );
    }
    for id in ["", "0", "1", "-1", "x", "1/x", "99999999999999999999999"] {
        let answer = server.send("POST", &format!("session/{id}"), b"{}");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, "the session of this page is closed, because too many pages are open: reload the page\n"),
            "{id}"
        );
    }
    for (path, allowed) in [("start", "GET, HEAD"), ("session", "POST"), ("session/1", "POST")] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let answer = server.send(method, path, b"");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.head.contains(&format!("\r\nallow: {allowed}\r\n")), "{}", answer.head);
        }
    }
    server.close();
}

#[test]
fn every_answer_has_the_headers_that_protect_the_page() {
    let server = Server::open(&[]);
    let answers = [
        server.send("GET", "start", b""),
        server.send("HEAD", "start", b""),
        server.send("POST", "session", b""),
        server.send("POST", "session/1", b"{}"),
        server.send("GET", "session", b""),
        server.send("GET", "nothing", b""),
        server.raw(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").unwrap(),
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 200, 200, 405, 404, 403]);
    assert_eq!(answers[1].body, "");
    for answer in answers {
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "cache-control: no-store",
            "connection: close",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.head.contains(&format!("\r\n{header}")), "no {header} in {}", answer.head);
        }
        // Another page is not allowed to read an answer.
        assert!(!answer.head.contains("access-control"));
    }
    server.close();
}

#[test]
fn a_body_over_1_mib_is_refused_however_it_is_sent() {
    let server = Server::open(&[]);
    server.send("POST", "session", b"");
    let long = vec![b' '; (1 << 20) + 1];
    assert_eq!(server.send("POST", "session/1", &long[1..]).status, 200);
    assert_eq!(server.send("POST", "session/1", &long).status, 413);
    assert_eq!(server.send("POST", "session", &long).status, 413);
    let head = server.head("POST", "session/1", &["Transfer-Encoding: chunked"]);
    let chunked = [head.as_bytes(), format!("{:x}\r\n", long.len()).as_bytes(), &long, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(server.raw(&chunked).unwrap().status, 413);
    // curl first asks for permission to send the body.
    let url = server.url("session/1");
    let body = crate::common::Scratch::new("long");
    std::fs::write(body.path(), [&long[..], &long].concat()).unwrap();
    let ended = curl(&["--write-out", "%{http_code}", "--data-binary", &format!("@{}", body.path()), &url]);
    assert_eq!(ended, "the body is longer than 1048576 bytes\n413");
    server.close();
}

#[test]
fn a_body_that_is_not_a_command_is_an_error_and_the_session_continues() {
    let server = Server::open(&[]);
    server.send("POST", "session", b"");
    for bad in
        [&b""[..], b"{", b"[]", b"null", b"{\"do\":7}", b"{\"do\":\"x\"}", b"{\"do\":\"new\",\"lab\":\"\\u0000\"}"]
    {
        let answer = server.send("POST", "session/1", bad);
        assert_eq!(answer.status, 200);
        assert!(answer.body.starts_with(r#"{"ok":false,"error":{"#), "{bad:?}: {}", answer.body);
    }
    for bad in [&b"\xff"[..], b"{\"do\":\"\xc3\x28\"}"] {
        let answer = server.send("POST", "session/1", bad);
        assert_eq!((answer.status, answer.body.as_str()), (400, "the body is not UTF-8 text\n"));
    }
    server.close();
}

#[test]
fn bytes_that_are_not_http_end_the_connection_and_the_server_still_serves() {
    let server = Server::open(&[]);
    let start = server.head("GET", "start", &[]);
    let host = format!("Host: 127.0.0.1:{}\r\n", server.port);
    for bad in [
        "GET /\r\n".into(),
        format!("GET /{}/start\r\n\r\n", server.token),
        "\r\n\r\n\r\n\r\n".into(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        start.replace("HTTP/1.1", "HTTP/1.9"),
        start.replace("HTTP/1.1", "HTTP/3.0"),
        start.replace("Host:", "Host :"),
        start.replace("start", "sta rt"),
        start.replace("start", "st\0art"),
        server.head("POST", "session", &["Content-Length: 1", "Content-Length: 2"]),
        server.head("POST", "session", &["Content-Length: -1"]),
        server.head("POST", "session", &["Content-Length: 99999999999999999999999999"]),
        server.head("POST", "session", &["Transfer-Encoding: x"]),
        server.head("POST", "session", &[&format!("X: {}", "x".repeat(1 << 20))]),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(1 << 20)),
        format!("GET / HTTP/1.1\r\n{host}{}\r\n", "X: x\r\n".repeat(100_000)),
    ] {
        let answer = server.raw(bad.as_bytes());
        let status = answer.as_ref().map(|answer| answer.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{:.80}: {answer:?}", bad.escape_debug());
    }
    for seed in 0..200 {
        let noise = noise(1 + 37 * usize::try_from(seed).unwrap(), seed);
        let answer = server.received(&noise);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "seed {seed}: {answer:?}");
        // The same bytes after a valid beginning of a request.
        let begun = [server.head("POST", "session/1", &["Transfer-Encoding: chunked"]).as_bytes(), &noise].concat();
        let answer = server.received(&begun);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "seed {seed}: {answer:?}");
    }
    server.close();
}

#[test]
fn a_connection_carries_one_request() {
    let server = Server::open(&["lost-synack"]);
    let two = server.head("GET", "start", &[]).repeat(2);
    // `raw` fails if more than one answer comes.
    let answer = server.raw(two.as_bytes()).unwrap();
    assert_eq!(answer.status, 200);
    // A second request in the body of the first request is not served.
    let hidden =
        server.head("GET", "start", &["Connection: keep-alive", &format!("Content-Length: {}", two.len())]) + &two;
    assert_eq!(server.raw(hidden.as_bytes()).unwrap().status, 200);
    server.close();
}

#[test]
fn only_this_computer_reaches_the_server() {
    let server = Server::open(&[]);
    // Any address of the loopback network except the address on which the server listens.
    assert!(std::net::TcpStream::connect(("127.0.0.2", server.port)).is_err());
    server.close();
}

/// Runs curl, which must succeed, and returns its standard output.
fn curl(arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    let ended = Peer::start(command.args(["-sS", "-m", "60", "--noproxy", "*"]).args(arguments)).finish();
    assert_eq!(ended.code(), Some(0), "{arguments:?}: {ended:?}");
    ended.out()
}
