//! A client: greets the server at SMOLSTEP_SERVER, prints its replies on the UART, and ends.
#![no_std]
#![no_main]

use firmware::MyBoard;
use smolstep::app::Program;
use smolstep::board;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::call::<MyBoard>(Program::Greeting, 9999, &[b"Li", b"Cheng", b"victor"])
}
