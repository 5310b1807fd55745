//! A server with its own program and its own loop.
#![no_std]
#![no_main]

use firmware::MyBoard;
use smolstep::board::{self, Board, Machine, Uart};
use smolstep::smoltcp::socket::tcp::Socket;
use smolstep::stack::{Context, Io, Listener, Next, NullConsole, Session, Stack};
use smolstep::stack_memory;

/// Sends one line to each client, and closes.
#[derive(Clone)]
struct Hello;

impl Session for Hello {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        match socket.send_slice(b"hello\n") {
            Ok(6) => Next::Close,
            _ => Next::Wait,
        }
    }
}

stack_memory!(static MEMORY: tcp: [Hello; 2], receive: 536, send: 536);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut machine = <MyBoard as Board>::Machine::start();
    MyBoard::start();
    Uart::<MyBoard>::NEW.log();
    let mut io = Io::new(MyBoard::ethernet(board::HARDWARE).unwrap(), NullConsole);
    // The addresses and the seed of the build: see docs/porting.md.
    let config = board::config(MyBoard::entropy);
    let mut stack = Stack::new(config, &mut io.device, MEMORY.take(), machine.now()).unwrap();
    stack.listen(Listener::new(7777, Hello)).unwrap();
    board::announce(&mut io.device, machine.now());
    log::info!("listening on port 7777");
    loop {
        // Clear the interrupts first, then look for frames. A frame that arrives after `poll` raises the interrupt again,
        // and the sleep ends at once.
        io.device.acknowledge();
        machine.forget_interrupts();
        let deadline = stack.poll(machine.now(), &mut io);
        machine.sleep(deadline);
    }
}
