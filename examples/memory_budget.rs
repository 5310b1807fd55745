//! What a stack's memory is made of, in bytes on the machine that this runs on: a column of docs/porting.md. On a board the same is
//! printed by `scripts/firmware run mps2-an385-selftest memory`.

use smolstep::app::BUDGET;

fn main() {
    for (what, bytes) in BUDGET {
        println!("{what:46} {bytes:6}");
    }
}
