//! Prints the size in bytes of each part of a stack's memory on this machine. docs/porting.md contains the same table.
//!
//! `scripts/firmware run mps2-an385-selftest memory` prints the sizes on a board.

use smolstep::app::BUDGET;

fn main() {
    for (what, bytes) in BUDGET {
        println!("{what:46} {bytes:6}");
    }
}
