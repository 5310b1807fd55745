//! Implements your own device: a network card with a receive queue and a transmit queue. The stack answers one ping.

use std::error::Error;

use smolstep::app::Server;
use smolstep::phy::{FrameIn, FrameOut, Queue};
use smolstep::stack::{Config, Io, NullConsole, Pool, Seed, Stack};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

/// A card with two queues: first the received frames, then the frames to send. A real card's interrupt handler fills
/// the first queue.
#[derive(Default)]
struct Card(Queue<4, 1500>, Queue<4, 1500>);

impl Device for Card {
    type RxToken<'d> = FrameIn<'d, 4, 1500>;
    type TxToken<'d> = FrameOut<'d, 4, 1500>;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        Some((self.0.front()?, self.1.reply_place()?))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Self::TxToken<'_>> {
        self.1.place()
    }

    fn capabilities(&self) -> DeviceCapabilities {
        Queue::<4, 1500>::capabilities(Medium::Ip)
    }
}

const ADDRESS: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);

/// An ICMP echo request from 10.0.0.2 to 10.0.0.1.
const PING: &[u8; 28] = b"E\0\0\x1c\0\0\0\0\x40\x01\x66\xdf\x0a\0\0\x02\x0a\0\0\x01\x08\0\xf7\xfd\0\x01\0\x01";

fn main() -> Result<(), Box<dyn Error>> {
    let mut io = Io::new(Card::default(), NullConsole);
    let mut memory = Pool::<Server, (), 1, 64, 64, 0, 0, 0>::new();
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[ADDRESS]);
    let mut stack = Stack::new(config, &mut io.device, memory.memory(), Instant::from_secs(1))?;
    io.device.0.place().ok_or("no room")?.consume(PING.len(), |frame| frame.copy_from_slice(PING));
    stack.poll(Instant::from_secs(1), &mut io);
    let answer = io.device.1.front().ok_or("no answer")?;
    answer.consume(|frame| println!("ICMP type {} with {} bytes", frame[20], frame.len()));
    Ok(())
}
