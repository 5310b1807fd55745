//! Compares servers with simple models, on input split at random positions. A failure prints the seed to reproduce it.

use super::rig::*;
use crate::app::{Options, Server, Template, find};
use crate::testing::random::Random;

const SEEDS: u64 = 200;

impl Random {
    /// Returns `len` random bytes: text, line endings and bytes that are not UTF-8.
    pub(super) fn text(&mut self, len: usize) -> Vec<u8> {
        const PIECES: [&[u8]; 12] = [
            b"a",
            b"Z",
            b"{}",
            "ß".as_bytes(),
            "é".as_bytes(),
            "日".as_bytes(),
            b"\n",
            b"\r\n",
            b"\r",
            b"\xff",
            b"\xc3",
            b" ",
        ];
        let mut bytes = Vec::new();
        while bytes.len() < len {
            bytes.extend(PIECES[self.below(PIECES.len())]);
        }
        bytes.truncate(len);
        bytes
    }

    fn buffers(&mut self) -> Buffers {
        Buffers { receive: 64 + self.below(100), send: 16 + self.below(40) }
    }
}

fn serve(name: &str, options: &Options<'static>, buffers: Buffers) -> Tcp<Server<'static>> {
    Tcp::server(find(name).unwrap().server(options).unwrap(), buffers)
}

/// Splits a message into its text and its line ending.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let end = [&b"\r\n"[..], b"\n"].into_iter().find(|end| message.ends_with(end)).unwrap_or_default();
    message.split_at(message.len() - end.len())
}

#[test]
fn echo_returns_all_data() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let buffers = random.buffers();
        let mut tcp = serve("echo", &Options::default(), buffers);
        let len = random.below(5000);
        let sent = random.text(len);
        let (mut rest, mut received) = (&sent[..], Vec::new());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(1 + random.below(rest.len().min(300)));
            tcp.send(now);
            rest = later;
            if random.below(3) == 0 {
                received.extend(tcp.take_some(1 + random.below(200)));
            }
        }
        tcp.close();
        received.extend(tcp.take());
        assert!(received == sent, "seed {seed}");
        assert!(tcp.closed(), "seed {seed}");
    }
}

#[test]
fn greeting_replies_to_each_message() {
    const TEMPLATE: &[u8] = b"<{}|{}> and so on, longer than the send buffer may be";
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let buffers = random.buffers();
        let template = Some(Template::new(TEMPLATE).unwrap());
        let mut tcp = serve("greeting", &Options { template, ..Options::default() }, buffers);
        let mut want = b"Welcome!".to_vec();
        for _ in 0..30 {
            let len = 1 + random.below(buffers.receive);
            let message = random.text(len);
            tcp.send(&message);
            let (text, end) = split(&message);
            want.extend([b"<", text, b"|", text, b"> and so on, longer than the send buffer may be", end].concat());
        }
        tcp.close();
        assert!(tcp.take() == want, "seed {seed}");
        assert!(tcp.closed(), "seed {seed}");
    }
}

#[test]
fn upper_maps_one_message() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let buffers = random.buffers();
        let mut tcp = serve("upper", &Options::default(), buffers);
        let len = 1 + random.below(buffers.receive);
        let message = random.text(len);
        tcp.send(&message);
        tcp.send(b"not looked at");
        let (text, end) = split(&message);
        let mut want = Vec::new();
        let mut rest = text;
        while let Err(error) = core::str::from_utf8(rest) {
            let (valid, bad) = rest.split_at(error.valid_up_to());
            want.extend(String::from_utf8(valid.to_owned()).unwrap().to_uppercase().bytes());
            want.push(bad[0]);
            rest = &bad[1..];
        }
        want.extend(core::str::from_utf8(rest).unwrap().to_uppercase().bytes());
        want.extend(end);
        assert!(tcp.take() == want, "seed {seed}");
        assert!(tcp.closed(), "seed {seed}");
    }
}
