//! A skeleton for your own board. You write four parts, each in its own file in this folder. `fake.rs` simulates the
//! hardware.
//!
//! The program runs the conformance check on the device, then serves a greeting to a second board. See docs/porting.md.

mod clock;
mod console;
mod fake;
mod nic;
mod seed;

use std::error::Error;

use smolstep::app::{self, Client, ClientOptions, Options, Server};
use smolstep::phy::{EthernetAddress, conformance};
use smolstep::stack::{Config, Io, Listener, Pool, Stack};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

const BOARD: IpCidr = IpCidr::new(IpAddress::v4(192, 168, 69, 1), 24);
const PEER: IpCidr = IpCidr::new(IpAddress::v4(192, 168, 69, 100), 24);
type Memory<'a, S> = Pool<'a, S, (), 2, 1460, 1460, 0, 0, 0>;

fn main() -> Result<(), Box<dyn Error>> {
    let (near, mut far) = fake::pair();
    let mut board = Io::new(nic::Nic::new(near), console::Serial::new(fake::Terminal));
    // The counter starts close to its largest value, so that it wraps during the check.
    let start = u32::MAX - 1000;
    let mut peer = fake::Far(&mut far, clock::Clock::new(1_000_000, start), start);
    println!("device: {}", conformance::check(&mut board.device, &mut peer, &mut [0; 1515])?);

    let mut peer = Io::new(nic::Nic::new(far), console::Serial::new(fake::Terminal));
    // These numbers replace the hardware random generator. Never use a constant seed on a board: anybody can guess it.
    let mut numbers = (1..).map(|n: u32| n.wrapping_mul(2_654_435_769));
    let mut seed = || seed::seed(|| numbers.next()).ok_or("the random generator has failed: no seed, no network");
    let (mut board_memory, mut peer_memory) = (Memory::<Server>::new(), Memory::<Client>::new());
    let (mut clock, mut counter) = (clock::Clock::new(1_000, 0), 0);
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), seed()?, &[BOARD]);
    let mut server = Stack::new(config, &mut board.device, board_memory.memory(), clock.at(counter))?;
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 2]).into(), seed()?, &[PEER]);
    let mut client = Stack::new(config, &mut peer.device, peer_memory.memory(), clock.at(counter))?;

    let greeting = app::find("greeting").ok_or("no such program")?;
    server.listen(Listener::new(9999, greeting.server(&Options::default()).ok_or("no server")?))?;
    let session = greeting.client(&ClientOptions::sending(&[b"board"])).ok_or("no client")?;
    let to = IpEndpoint::new(BOARD.address(), 9999);
    let id = client.connect(clock.at(counter), to, session, Duration::from_secs(5), &mut peer)?;
    while client.ended(id).is_none() {
        client.poll(clock.at(counter), &mut peer);
        server.poll(clock.at(counter), &mut board);
        counter += 1;
    }
    println!("bytes lost on the console: {}, bad frames: {}", board.console.lost, board.device.bad);
    Ok(())
}
