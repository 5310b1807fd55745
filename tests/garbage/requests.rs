//! 100,000 mutated requests to the status page: nothing panics, each connection comes to its end, what is answered is whole, and
//! an honest client is shown the page afterwards.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use smolstep::app::{Options, Row, Server, Service, Status, Transport, find};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Context, End, Io, Listener, Next, Quiet, Seed, Session, Stack};
use smoltcp::socket::tcp::{RecvError, Socket};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use super::SEED;
use super::hostile::random::{Random, seed};

const REQUESTS: usize = 100_000;

/// What is mutated. Without HEAD, whose answers cannot be told apart from those to GET by whoever does not know the request.
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

#[test]
fn mutated_requests() {
    let count = Cell::new(0);
    let mut random = Random(seed(SEED));

    let mut talk = Talk::new();
    let mut seen = BTreeSet::new();
    while count.get() < REQUESTS {
        let mut requests = Vec::new();
        for _ in 0..1 + random.below(8) {
            let honest = random.pick(&HONEST).as_bytes();
            requests.extend(if random.one_in(3) { honest.to_vec() } else { mutate(&mut random, honest) });
            count.set(count.get() + 1);
        }
        let (reply, end) = talk.ask(requests);
        assert!(matches!(end, End::Closed | End::Reset), "{end:?}");
        let rest = answers(&reply, &mut seen);
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }
    assert_eq!(seen, STATUS.into(), "every answer but the one to too many pages");
    for (request, content) in [(HONEST[0], "<td>http<td><b id="), (HONEST[1], "data:<section")] {
        let (reply, end) = talk.ask(request.into());
        let reply = String::from_utf8(reply).unwrap();
        assert!(end == End::Closed && reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains(content), "{reply}");
    }
}

/// Flips, inserts, removes, doubles and cuts.
fn mutate(random: &mut Random, honest: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 14] = [
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
    ];
    let mut request = honest.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(request.len() + 1);
        let to = (at + random.below(20)).min(request.len());
        match random.below(8) {
            0 | 1 if at < request.len() => request[at] ^= 1 << random.below(8),
            2 => drop(request.splice(at..at, random.pick(&PIECES).iter().copied())),
            3 => drop(request.drain(at..to)),
            4 => {
                let again = request[at..to].to_vec();
                drop(request.splice(at..at, again));
            }
            5 => {
                let long = random.pick(&[100, 1000, 1100, 9000]);
                drop(request.splice(at..at, std::iter::repeat_n(b'a', long)));
            }
            6 => {
                let noise = random.bytes_below(40);
                drop(request.splice(at..to, noise));
            }
            _ => request.truncate(at),
        }
    }
    request
}

/// Takes whole answers off the front, and returns what is left.
fn answers<'r>(mut reply: &'r [u8], seen: &mut BTreeSet<&'static str>) -> &'r [u8] {
    while let Some(at) = reply.windows(4).position(|end| end == b"\r\n\r\n") {
        let (Ok(head), content) = (std::str::from_utf8(&reply[..at]), &reply[at + 4..]) else { return reply };
        let status = head.strip_prefix("HTTP/1.1 ").unwrap_or_default();
        let Some(known) = STATUS.into_iter().find(|known| status.starts_with(known)) else { return reply };
        seen.insert(known);
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let rest = if let Some(length) = field("Content-Length: ") {
            content.get(length.parse().unwrap()..)
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

type End64 = CableEnd<'static, 64, 1514>;

/// A status page and whoever asks for it.
struct Talk {
    now: Instant,
    server: Stack<'static, Server<'static>, ()>,
    server_io: Io<End64, Quiet, &'static Status<'static>>,
    client: Stack<'static, Ask, ()>,
    client_io: Io<End64, Quiet>,
}

const SIZES: Sizes = Sizes { connections: 8, receive: 1500, send: 1000, ports: 0, datagrams: 0, payload: 0 };

impl Talk {
    fn new() -> Self {
        let now = Instant::from_secs(1);
        let rows: &[Cell<Option<Row>>] = Box::leak(Box::new([const { Cell::new(None) }; 8]));
        let status: &'static Status<'static> = Box::leak(Box::new(Status::new(rows, now)));
        status.serves(Service { name: "http", transport: Transport::Tcp, port: 80 });
        let (device, far) = Box::leak(Box::new(Cable::new())).ends();
        let mut server_io = Io { device, console: Quiet, probe: status };
        let mut client_io = Io::new(far, Quiet);
        let mut server = stack(1, &mut server_io.device, now);
        let options = Options { status: Some(status), ..Options::default() };
        server.listen(Listener::new(80, find("http").unwrap().server(&options).unwrap())).unwrap();
        let client = stack(2, &mut client_io.device, now);
        Talk { now, server, server_io, client, client_io }
    }

    /// Sends these bytes and an end of stream; what came back, and how it ended.
    fn ask(&mut self, bytes: Vec<u8>) -> (Vec<u8>, End) {
        let ask = Ask { bytes: bytes.into(), sent: 0, reply: Vec::new() };
        let to = IpEndpoint::new(address(1).address(), 80);
        let id = self.client.connect(self.now, to, ask, Duration::from_secs(5), &mut self.client_io).unwrap();
        let until = self.now + Duration::from_secs(600);
        loop {
            let client = self.client.poll(self.now, &mut self.client_io);
            let server = self.server.poll(self.now, &mut self.server_io);
            if let Some((ask, end)) = self.client.take(id) {
                // The slot in TIME-WAIT comes free.
                self.now += Duration::from_secs(60);
                self.client.poll(self.now, &mut self.client_io);
                return (ask.reply, end);
            }
            let next = [client, server].into_iter().flatten().min().unwrap_or(until);
            self.now = next.max(self.now + Duration::from_micros(10)).min(self.now + Duration::from_millis(50));
            assert!(self.now < until, "it takes for ever");
        }
    }
}

fn stack<S: Session + Clone>(number: u8, device: &mut End64, now: Instant) -> Stack<'static, S, ()> {
    let memory = Box::leak(Box::new(HeapPool::new(SIZES))).memory();
    let addresses = [address(number)];
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into(), Seed([number; 32]), &addresses);
    Stack::new(config, device, memory, now).unwrap()
}

fn address(number: u8) -> IpCidr {
    IpCidr::new(IpAddress::v4(10, 0, 0, number), 24)
}

#[derive(Clone)]
struct Ask {
    bytes: Rc<[u8]>,
    sent: usize,
    reply: Vec<u8>,
}

impl Session for Ask {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        if self.sent < self.bytes.len() {
            self.sent += socket.send_slice(&self.bytes[self.sent..]).unwrap_or(0);
        }
        if self.sent == self.bytes.len() {
            socket.close();
        }
        loop {
            match socket.recv(|piece| (piece.len(), piece.to_vec())) {
                Ok(piece) if piece.is_empty() => return Next::Wait,
                Ok(piece) => self.reply.extend(piece),
                Err(RecvError::Finished | RecvError::InvalidState) => return Next::Close,
            }
        }
    }
}
