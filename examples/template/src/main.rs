//! A server: all small programs of smolstep, on their usual ports.
#![no_std]
#![no_main]

use firmware::MyBoard;
use smolstep::app::{Basic, BasicUdp};
use smolstep::{board, stack_memory};

stack_memory!(static MEMORY:
    tcp: [Basic<'static>; 4], receive: 1072, send: 1460,
    udp: BasicUdp<'static>, datagrams: 1, payload: board::UDP_PAYLOAD);

#[cortex_m_rt::entry]
fn main() -> ! {
    board::serve::<MyBoard>(MEMORY.take())
}
