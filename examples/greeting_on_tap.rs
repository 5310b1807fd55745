//! Runs a greeting server on the TAP device tap0. Connect with `nc -N 192.168.69.1 9999`; Ctrl-C stops the server.
//!
//! If tap0 is missing, the example prints how to create it. The kernel's end of tap0 also needs an address: `sudo ip
//! address add 192.168.69.100/24 dev tap0`.

use std::error::Error;
use std::process::ExitCode;

use smolstep::app::{self, Options, Server};
use smolstep::host::{Clock, HeapPool, Sizes, drive, seed};
use smolstep::phy::linux::{Kind, TunTap};
use smolstep::stack::{Config, Io, Listener, NullConsole, Stack};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

const ADDRESS: IpCidr = IpCidr::new(IpAddress::v4(192, 168, 69, 1), 24);

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("greeting_on_tap: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut io = Io::new(TunTap::open(Kind::Tap, "tap0")?, NullConsole);
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), seed()?, &[ADDRESS]);
    let mut memory = HeapPool::new(Sizes { ports: 0, ..Sizes::default() });
    let clock = Clock::start();
    let mut stack = Stack::<Server, ()>::new(config, &mut io.device, memory.memory(), clock.now())?;
    let greeting = app::find("greeting").and_then(|app| app.server(&Options::default()));
    stack.listen(Listener::new(9999, greeting.ok_or("no such program")?))?;
    println!("listening on {}:9999", ADDRESS.address());
    drive(&mut stack, &mut io, &clock, &mut (), |_| false)?;
    Ok(())
}
