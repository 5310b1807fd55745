//! A running `smolstep lab --web`, and raw requests to it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::common::peer::{Peer, smolstep};

/// A running `smolstep lab --web`.
pub struct Server {
    pub peer: Peer,
    pub port: u16,
    pub token: String,
}

/// An answer: the status, the head with all header names in lower case, and the body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Server {
    /// Starts `smolstep lab --web ARGUMENTS`.
    pub fn open(arguments: &[&str]) -> Server {
        Server::of(Peer::start(smolstep().args(["lab", "--web"]).args(arguments)))
    }

    /// Waits until a started `smolstep lab --web` has printed its address.
    pub fn of(peer: Peer) -> Server {
        peer.wait_for("address", |out| out.lines().count() == 2);
        let out = peer.out();
        let address = out.split_whitespace().find_map(|word| word.strip_prefix("http://127.0.0.1:")).unwrap();
        let (port, path) = address.split_once('/').unwrap();
        let token = path.strip_suffix('/').unwrap();
        assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{out}");
        let (port, token) = (port.parse().unwrap(), token.into());
        Server { peer, port, token }
    }

    /// Returns the address of a path of the page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{}/{path}", self.port, self.token)
    }

    /// Returns the head of a request with a valid host. `headers` are whole lines.
    pub fn head(&self, method: &str, path: &str, headers: &[&str]) -> String {
        let mut head = format!("{method} /{}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", self.token, self.port);
        for header in headers {
            head += &format!("{header}\r\n");
        }
        head + "\r\n"
    }

    /// Sends a request with a body.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let length = format!("Content-Length: {}", body.len());
        let answer = self.raw(&[self.head(method, path, &[&length]).as_bytes(), body].concat());
        answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// Sends bytes on a new connection, then reads to the end of the stream. Returns the answer, or `None` if there is
    /// no answer. Panics if there is more than one.
    pub fn raw(&self, bytes: &[u8]) -> Option<Answer> {
        let received = self.received(bytes);
        if received.is_empty() {
            return None;
        }
        let text = String::from_utf8(received).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert!(length.is_none_or(|length| body.is_empty() || length == body.len().to_string()), "{text}");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head: head.into(), body: body.into() })
    }

    /// Sends bytes on a new connection, and returns all bytes that come back.
    pub fn received(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        // The server can close the connection before it has read all of the bytes.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut received = Vec::new();
        match stream.read_to_end(&mut received) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => received,
        }
    }

    /// Checks that the server still serves, then ends it with Ctrl-C.
    pub fn close(self) {
        assert_eq!(self.send("GET", "start", b"").status, 200);
        let ended = self.peer.stop();
        assert_eq!(ended.err(), "");
    }
}
