//! Tests the limits of the server, on a virtual clock. tests/web contains the requests that the program refuses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{Duration, Instant, sleep};

use super::requests::{Limits, Requests};
use super::server::{Closed, run};

/// A server that a test has opened, on the test's own runtime.
struct Server {
    address: SocketAddr,
    closed: JoinHandle<std::io::Result<Closed>>,
    stop: UnixStream,
    opened: Instant,
}

/// Runs a test on a runtime whose clock jumps to the next deadline when there is nothing else to do.
fn on_server(limits: Limits, start: &str, test: impl AsyncFnOnce(Server)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = UnixStream::pair().unwrap();
        stopped.set_nonblocking(true).unwrap();
        let requests = Requests::new(address.port(), "token".into(), start.into(), limits);
        let closed = spawn_local(run(listener, Rc::new(requests), stopped));
        test(Server { address, closed, stop, opened: Instant::now() }).await;
    });
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        format!("{method} /token/{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n", self.address)
    }

    /// Sends a whole request on a new connection; returns the status and the body of the answer.
    async fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect().await;
        stream.write_all((self.head(method, path, body.len()) + body).as_bytes()).await.unwrap();
        answer(&mut stream).await
    }

    /// Returns the virtual time since the server was opened, in whole seconds.
    fn seconds(&self) -> u64 {
        self.opened.elapsed().as_secs()
    }
}

/// Reads an answer up to the end of the connection.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.into())
}

#[test]
fn the_server_closes_an_hour_after_the_last_request() {
    on_server(Limits::default(), "{}", async |server| {
        sleep(Duration::from_secs(1800)).await;
        assert_eq!(server.send("GET", "start", "").await, (200, "{}".into()));
        // Connections without a request and refused requests do not keep the server running.
        sleep(Duration::from_secs(600)).await;
        drop(server.connect().await);
        let mut foreign = server.connect().await;
        foreign.write_all(server.head("GET", "start", 0).replace("/token/", "/guess/").as_bytes()).await.unwrap();
        assert_eq!(answer(&mut foreign).await.0, 404);
        assert_eq!(server.closed.await.unwrap().unwrap(), Closed::Idle);
        assert_eq!(server.opened.elapsed().as_secs(), 5400);
    });
}

#[test]
fn a_signal_closes_the_server() {
    on_server(Limits::default(), "{}", async |server| {
        let _open = server.connect().await;
        std::io::Write::write_all(&mut &server.stop, &[0]).unwrap();
        assert_eq!(server.closed.await.unwrap().unwrap(), Closed::Stopped);
        assert_eq!(server.opened.elapsed().as_secs(), 0);
    });
}

#[test]
fn a_slow_body_is_answered_after_ten_seconds() {
    on_server(Limits::default(), "{}", async |server| {
        server.send("POST", "session", "").await;
        let mut slow = server.connect().await;
        sleep(Duration::from_secs(4)).await;
        slow.write_all((server.head("POST", "session/1", 20) + "{").as_bytes()).await.unwrap();
        // A byte each second does not extend the deadline.
        for _ in 0..5 {
            sleep(Duration::from_secs(1)).await;
            slow.write_all(b" ").await.unwrap();
        }
        assert_eq!(answer(&mut slow).await, (408, "the body took too long to arrive\n".into()));
        assert_eq!(server.seconds(), 10);
    });
}

#[test]
fn a_slow_head_ends_after_ten_seconds() {
    on_server(Limits::default(), "{}", async |server| {
        let mut slow = server.connect().await;
        for byte in b"GET / HTT" {
            slow.write_all(&[*byte]).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        assert_eq!((rest.len(), server.seconds()), (0, 10));
    });
}

#[test]
fn a_client_that_reads_nothing_ends_after_ten_seconds() {
    let limits = Limits { connections: 1, ..Limits::default() };
    // The answer does not fit the buffers of the sockets.
    let start = "0".repeat(64 << 20);
    on_server(limits, &start, async |server| {
        let mut deaf = server.connect().await;
        deaf.write_all(server.head("GET", "start", 0).as_bytes()).await.unwrap();
        // The next client waits until the first connection is closed.
        assert_eq!(server.send("GET", "session", "").await.0, 405);
        assert_eq!(server.seconds(), 10);
    });
}

#[test]
fn a_connection_that_stays_open_after_its_answer_ends_after_ten_seconds() {
    on_server(Limits::default(), "{}", async |server| {
        let mut open = server.connect().await;
        // Each byte is sent immediately, even while an earlier byte is not acknowledged.
        open.set_nodelay(true).unwrap();
        open.write_all(server.head("GET", "start", 0).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut open).await.0, 200);
        sleep(Duration::from_secs(9)).await;
        open.write_all(b"x").await.unwrap();
        open.write_all(b"x").await.unwrap();
        sleep(Duration::from_secs(2)).await;
        // A write to a closed socket is answered with RST, and the next write fails once the RST has arrived.
        let mut writes = 0;
        while open.write_all(b"x").await.is_ok() {
            writes += 1;
            assert!(writes < 1_000_000);
        }
    });
}

#[test]
fn a_new_connection_replaces_the_oldest_that_waits_for_its_client() {
    on_server(Limits { connections: 2, ..Limits::default() }, "{}", async |server| {
        let mut answered = server.connect().await;
        answered.write_all(server.head("GET", "start", 0).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut answered).await.0, 200);
        let mut idle = server.connect().await;
        sleep(Duration::from_millis(1)).await;
        // A connection without a request goes first, even if a connection that has its answer is older.
        let mut third = server.connect().await;
        assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
        let mut fourth = server.connect().await;
        sleep(Duration::from_millis(1)).await;
        assert_eq!(third.read(&mut [0]).await.unwrap(), 0);
        fourth.write_all(server.head("GET", "start", 0).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut fourth).await.0, 200);
        assert_eq!(server.seconds(), 0);
    });
}

#[test]
fn the_page_opens_while_400_connections_are_idle() {
    on_server(Limits::default(), "{}", async |server| {
        let mut open = Vec::new();
        for _ in 0..400 {
            open.push(server.connect().await);
        }
        for _ in 0..100 {
            assert_eq!(server.send("GET", "start", "").await, (200, "{}".into()));
        }
        // A connection that sends the head of a request, and then only a part of the body, is idle too.
        for stream in &mut open {
            let _ = stream.write_all(server.head("POST", "session", 9).as_bytes()).await;
        }
        assert_eq!(server.send("POST", "session", "").await.0, 200);
        assert_eq!(server.seconds(), 0);
    });
}

#[test]
fn bodies_are_limited_with_and_without_a_length() {
    let limits = Limits { body: 1000, ..Limits::default() };
    on_server(limits, "{}", async |server| {
        assert_eq!(server.send("POST", "session", "").await, (200, "{\"id\":\"1\"}".into()));
        assert_eq!(server.send("POST", "session/1", &" ".repeat(1000)).await.0, 200);
        let refused = (413, "the body is longer than 1000 bytes\n".into());
        assert_eq!(server.send("POST", "session/1", &" ".repeat(1001)).await, refused);
        assert_eq!(server.send("POST", "session", &" ".repeat(1001)).await, refused);
        // The length alone is refused, without waiting for the body.
        let mut stream = server.connect().await;
        stream.write_all(server.head("POST", "session/1", 1001).as_bytes()).await.unwrap();
        assert_eq!(answer(&mut stream).await, refused);
        let mut stream = server.connect().await;
        let head = server.head("POST", "session/1", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..11 {
            stream.write_all(format!("64\r\n{}\r\n", " ".repeat(100)).as_bytes()).await.unwrap();
        }
        assert_eq!(answer(&mut stream).await, refused);
        assert_eq!(server.seconds(), 0);
    });
}

#[test]
fn the_sessions_share_the_memory() {
    const NEW: &str = r#"{"do":"new","scenario":"slow-start"}"#;
    for (memory, end) in [(16 << 16, r#""end":"limit""#), (256 << 20, r#""end":"over""#)] {
        on_server(Limits { memory, ..Limits::default() }, "{}", async |server| {
            server.send("POST", "session", "").await;
            let (status, body) = server.send("POST", "session/1", NEW).await;
            assert!(status == 200 && body.contains(end), "{body}");
        });
    }
}

#[test]
fn the_17th_session_replaces_the_oldest() {
    on_server(Limits::default(), "{}", async |server| {
        for id in 1..=16 {
            assert_eq!(server.send("POST", "session", "").await, (200, format!("{{\"id\":\"{id}\"}}")));
        }
        assert_eq!(server.send("POST", "session/1", "{}").await.0, 200);
        assert_eq!(server.send("POST", "session", "").await, (200, "{\"id\":\"17\"}".into()));
        assert_eq!(
            server.send("POST", "session/2", "{}").await,
            (404, "the session of this page is closed, because too many pages are open: reload the page\n".into())
        );
        for id in [1, 3, 17] {
            assert_eq!(server.send("POST", &format!("session/{id}"), "{}").await.0, 200);
        }
    });
}
