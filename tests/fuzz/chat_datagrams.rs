//! Fuzzes datagrams for chat.
//!
//! Each datagram must be shown with its sender's number, and typed lines must go to the right partner.

use smolstep::app::{Operator, Options, UdpServer, find};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Io, Seed, Stack};
use smoltcp::phy::{ChecksumCapabilities, Device, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, IpAddress, IpCidr, IpProtocol, IpRepr, IpVersion, Ipv4Packet, Ipv6Packet, UdpPacket, UdpRepr,
};

use super::Target;
use super::chat_lines::{LINES, WORDS, shown};
use super::mutate;
use super::pair::Shown;
use super::random::Random;
use super::records::{record, records};

/// The input is a list of records. A record is a datagram from one of 33 partners, or a line that the user types.
pub const TARGET: Target = Target { name: "chat_datagrams", run, honest, hostile };

/// The bit of a record's control byte that marks a typed line.
const TYPED: u8 = 0x40;

/// The partner at the echo port. chat must never answer this partner, because the two would exchange datagrams
/// endlessly.
const ECHO: u8 = 32;

const PORT: u16 = 9000;

/// The number of partners that chat remembers.
const REMEMBERED: usize = 16;

fn run(input: &[u8]) {
    let operator = Operator::new(false);
    let mut options = Options::default();
    options.operator = Some(&operator);
    let session = find("chat").and_then(|app| app.udp_server(&options)).expect("chat has a server on UDP");
    let sizes = Sizes { connections: 1, receive: 64, send: 64, ports: 1, datagrams: 4, payload: 8192 };
    let mut pool = HeapPool::new(sizes);
    let mut cable = Cable::<16, 1514>::with_medium(Medium::Ip);
    let (near, far) = cable.ends();
    let mut io = Io::new(near, Shown::default());
    let (now, own) = (Instant::from_secs(1), [false, true].map(|v6| IpCidr::new(address(v6, 1), 24)));
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &own);
    let mut stack = Stack::<(), UdpServer<'_>>::new(config, &mut io.device, pool.memory(), now).unwrap();
    stack.bind(PORT, session).unwrap();

    let mut model = Model::default();
    let mut far = Far(far);
    for record in records(input) {
        if record.control & TYPED != 0 {
            let mut line: Vec<u8> = record.data.iter().copied().filter(|b| !b"\r\n".contains(b)).take(200).collect();
            line.push(b'\n');
            io.console.typed.extend(&line);
            line.pop();
            model.typed.push(line);
            // A real console wakes the programs when there is input.
            stack.wake_programs();
        } else {
            let (partner, data) = (record.control & 0x3f, &record.data[..record.data.len().min(1400)]);
            let partner = partner.min(ECHO);
            far.send(now, partner, data);
            model.receive_datagram(partner, data);
        }
        model.read_typed_lines();
        let mut sent = Vec::new();
        // Each poll sends at least one line.
        for _ in 0..2 + model.sent.len() + model.typed.len() {
            stack.poll(now, &mut io);
            while let Some(datagram) = far.receive(now) {
                sent.push(datagram);
                stack.wake_programs();
            }
        }
        assert_eq!(io.console.take(), std::mem::take(&mut model.shown));
        assert!(sent == std::mem::take(&mut model.sent), "{sent:?}");
    }
}

/// A model of chat: the expected output and the expected datagrams.
#[derive(Default)]
struct Model {
    /// The partners, each with its number and the line ending of its most recent datagram. The partner that wrote most
    /// recently is at the end.
    partners: Vec<(u8, u32, &'static [u8])>,
    numbered: u32,
    /// Typed lines that chat has not read yet.
    typed: Vec<Vec<u8>>,
    shown: String,
    sent: Vec<(u8, Vec<u8>)>,
}

impl Model {
    /// Shows a datagram with the number of its partner. A new partner gets the next number, and can displace the
    /// partner that wrote least recently. `q` ends the talk.
    fn receive_datagram(&mut self, partner: u8, data: &[u8]) {
        let text = data.strip_suffix(b"\r\n").or(data.strip_suffix(b"\n")).unwrap_or(data);
        let address = endpoint(partner);
        if partner == ECHO {
            self.shown += &format!("@- {address} {}\n", shown(text));
            return;
        }
        let was_last = self.partners.last().is_some_and(|last| last.0 == partner);
        let number = match self.partners.iter().position(|known| known.0 == partner) {
            Some(at) => self.partners.remove(at).1,
            None => {
                self.numbered += 1;
                if self.partners.len() == REMEMBERED {
                    let (gone, number, _) = self.partners.remove(0);
                    let gone = endpoint(gone);
                    self.shown += &format!("@{number} {gone} is forgotten: {REMEMBERED} others wrote since\n");
                }
                self.numbered
            }
        };
        if matches!(text, b"q" | b"Q") {
            self.end_talk(partner, number, was_last);
        } else {
            let line_end: &[u8] = if data.ends_with(b"\n") { b"\n" } else { b"" };
            self.partners.push((partner, number, line_end));
            self.shown += &format!("@{number} {address} {}\n", shown(text));
        }
    }

    /// Sends the typed lines, as long as there is a partner. An error is shown instead of sent.
    fn read_typed_lines(&mut self) {
        while !self.typed.is_empty() && !self.partners.is_empty() {
            let line = self.typed.remove(0);
            if let Err(why) = self.send_line(&line) {
                self.shown += &format!("not sent: {why}\n");
            }
        }
    }

    /// Sends a line to the partner `@N` that it names, or to the partner that wrote most recently. The line gets the
    /// line ending of that partner's datagrams. `q` ends the talk and gets no line ending.
    fn send_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let (number, text) = match line.strip_prefix(b"@") {
            None => (None, line),
            Some(rest) => {
                let bad = "after @, write a partner's number, then a space and the text, as in @2 hello";
                let space = rest.iter().position(|&b| b == b' ').ok_or(bad)?;
                let digits = &rest[..space];
                let number =
                    digits.iter().all(u8::is_ascii_digit).then(|| String::from_utf8_lossy(digits).parse::<u32>());
                (Some(number.and_then(|number| number.ok()).ok_or(bad)?), &rest[space + 1..])
            }
        };
        let &(partner, number, line_end) = match number {
            None => self.partners.last(),
            Some(number) => self.partners.iter().find(|known| known.1 == number),
        }
        .ok_or("no partner has this number")?;
        let goodbye = matches!(text, b"q" | b"Q");
        self.sent.push((partner, [text, if goodbye { b"" } else { line_end }].concat()));
        if goodbye {
            let was_last = self.partners.last().is_some_and(|last| last.1 == number);
            self.partners.retain(|known| known.1 != number);
            self.end_talk(partner, number, was_last);
        }
        Ok(())
    }

    /// Shows the end of a talk. If `was_last` is set, also shows the partner to which the next line will be sent.
    fn end_talk(&mut self, partner: u8, number: u32, was_last: bool) {
        self.shown += &format!("the talk with @{number} {} has ended\n", endpoint(partner));
        if let Some(&(partner, number, _)) = self.partners.last().filter(|_| was_last) {
            self.shown += &format!("(the next line goes to @{number} {})\n", endpoint(partner));
        }
    }
}

/// The partners' end of the cable.
struct Far<'c>(CableEnd<'c, 16, 1514>);

impl Far<'_> {
    fn send(&mut self, now: Instant, partner: u8, data: &[u8]) {
        let v6 = is_v6(partner);
        let (from, to) = (address(v6, 2 + partner), address(v6, 1));
        let ip = IpRepr::new(from, to, IpProtocol::Udp, 8 + data.len(), 64);
        let udp = UdpRepr { src_port: port(partner), dst_port: PORT };
        let checksums = ChecksumCapabilities::default();
        let token = self.0.transmit(now).expect("the cable has room");
        token.consume(ip.header_len() + 8 + data.len(), |frame| {
            ip.emit(&mut *frame, &checksums);
            let mut packet = UdpPacket::new_unchecked(&mut frame[ip.header_len()..]);
            let emit = |payload: &mut [u8]| payload.copy_from_slice(data);
            udp.emit(&mut packet, &from, &to, data.len(), emit, &checksums);
        });
    }

    /// Receives a datagram from chat. Returns the partner to which it was sent and its data.
    fn receive(&mut self, now: Instant) -> Option<(u8, Vec<u8>)> {
        let (frame, _) = self.0.receive(now)?;
        frame.consume(|frame| {
            let (to, udp) = match IpVersion::of_packet(frame).ok()? {
                IpVersion::Ipv4 => {
                    let packet = Ipv4Packet::new_checked(frame).ok()?;
                    (packet.dst_addr().octets()[3], packet.payload())
                }
                IpVersion::Ipv6 => {
                    let packet = Ipv6Packet::new_checked(frame).ok()?;
                    (packet.dst_addr().octets()[15], packet.payload())
                }
            };
            let udp = UdpPacket::new_checked(udp).ok()?;
            assert_eq!((udp.src_port(), udp.dst_port()), (PORT, port(to - 2)));
            Some((to - 2, udp.payload().to_vec()))
        })
    }
}

fn is_v6(partner: u8) -> bool {
    partner % 3 == 1
}

fn port(partner: u8) -> u16 {
    if partner == ECHO { 7 } else { 3000 + u16::from(partner) }
}

fn address(v6: bool, number: u8) -> IpAddress {
    match v6 {
        false => IpAddress::v4(10, 0, 0, number),
        true => IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, number.into()),
    }
}

fn endpoint(partner: u8) -> std::net::SocketAddr {
    (std::net::IpAddr::from(address(is_v6(partner), 2 + partner)), port(partner)).into()
}

/// Lines that the user types.
const TYPES: [&[u8]; 6] = [b"hello", b"@1 hi", b"@17 q", b"q", b"@99999999999 x", b"@ 1"];

fn honest() -> Vec<Vec<u8>> {
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for (partner, line) in LINES.iter().enumerate() {
        record(&mut few, partner as u8 % 3, line);
        record(&mut few, TYPED, TYPES[partner % TYPES.len()]);
    }
    (0..=ECHO).for_each(|partner| record(&mut many, partner, b"hi\r\n"));
    vec![few, many]
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let mut input = Vec::new();
    let most = random.pick(&[3, 20, 33]);
    let mut datagrams = 0;
    for _ in 0..1 + random.below(64) {
        let typed = random.one_in(4);
        let mut line = if typed { random.pick(&TYPES) } else { random.pick(&LINES) }.to_vec();
        if !random.one_in(4) {
            mutate(random, &mut line, 0, &WORDS);
        }
        if !typed && random.one_in(2) {
            line.extend_from_slice(random.pick(&[&b"\n"[..], b"\r\n"]));
        }
        datagrams += usize::from(!typed);
        record(&mut input, if typed { TYPED } else { random.below(most) as u8 }, &line);
    }
    (input, datagrams)
}
