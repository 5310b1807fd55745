//! The parts of a stack's memory in bytes on this machine: a column of docs/porting.md.
//!
//! On a board, `scripts/firmware run mps2-an385-selftest memory` prints the board's own column.

use smolstep::app::BUDGET;

fn main() {
    for (what, bytes) in BUDGET {
        println!("{what:46} {bytes:6}");
    }
}
