//! Long transfers while the kernel drops some of the frames in both directions.

use std::process::Command;

use smolstep::stack::Congestion;

use crate::common::link::Link;
use crate::common::netns::{in_namespace, output};
use crate::common::skip;
use crate::matrix::FIRST;
use crate::rig::{From, Transfer};

#[test]
fn one_frame_in_a_thousand_lost() {
    in_namespace("loss::one_frame_in_a_thousand_lost", || lossy(1));
}

#[test]
fn one_frame_in_a_hundred_lost() {
    in_namespace("loss::one_frame_in_a_hundred_lost", || lossy(10));
}

/// Runs transfers while the kernel drops `per_mille` of 1,000 frames, at random. Each run has other losses, so it
/// cannot be repeated.
fn lossy(per_mille: u32) {
    for offload in [true, false] {
        for congestion in [Congestion::Reno, Congestion::Cubic] {
            for from in [From::Stack, From::Kernel] {
                if from == From::Kernel && congestion != Congestion::Reno {
                    // In this transfer the kernel is the sender, so the stack's congestion control is not used.
                    continue;
                }
                // A lost frame can delay the stack by a retransmission timeout, so the stack sends fewer bytes.
                let bytes = if per_mille > 1 && from == From::Stack { 4 << 20 } else { FIRST.bytes };
                let transfer = Transfer { offload, from, congestion, bytes, ..FIRST };
                let mut possible = true;
                // With offload, a transfer has only a few super-segments. If none is lost, the test repeats the
                // transfer.
                let lossy = (0..100).any(|_| {
                    transfer.run(|link| possible = lose(link, per_mille));
                    !possible || lost() > 0
                });
                if !possible {
                    return;
                }
                assert!(lossy, "nothing was lost");
            }
        }
    }
}

/// Makes the kernel drop `per_mille` of 1,000 frames in each direction. If nft cannot set the rules, prints a note and
/// returns false.
fn lose(link: Link, per_mille: u32) -> bool {
    let name = link.name();
    let rules = format!(
        "table inet lossy\ndelete table inet lossy\ntable inet lossy {{\n\
         chain in {{ type filter hook input priority 0; iifname \"{name}\" numgen random mod 1000 < {per_mille} counter drop; }}\n\
         chain out {{ type filter hook output priority 0; oifname \"{name}\" numgen random mod 1000 < {per_mille} counter drop; }}\n\
         }}"
    );
    match output(Command::new("nft").arg(&rules)) {
        Ok(nft) if nft.status.success() => true,
        Ok(nft) => {
            skip("tap", &format!("nft cannot lose frames here: {}", String::from_utf8_lossy(&nft.stderr).trim()));
            false
        }
        Err(error) => {
            skip("tap", &format!("no nft(8), which has the kernel lose frames: {error}"));
            false
        }
    }
}

/// Returns the number of frames that the rules of [`lose`] have dropped.
fn lost() -> u64 {
    let listed = output(Command::new("nft").args(["list", "table", "inet", "lossy"])).unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let counts = listed.split("counter packets ").skip(1);
    counts.map(|rest| rest.split_whitespace().next().unwrap().parse::<u64>().unwrap()).sum()
}
