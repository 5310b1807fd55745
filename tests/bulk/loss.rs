//! The same where the kernel throws a part of all frames away, in both directions.

use std::process::Command;

use smoltcp::socket::tcp::CongestionControl;

use crate::common::link::Link;
use crate::common::netns::{in_namespace, output};
use crate::common::require::skip;
use crate::matrix::FIRST;
use crate::rig::{From, Transfer};

#[test]
fn one_frame_in_a_thousand_lost() {
    in_namespace("loss::one_frame_in_a_thousand_lost", || lossy(1, 64 << 20));
}

#[test]
fn one_frame_in_a_hundred_lost() {
    in_namespace("loss::one_frame_in_a_hundred_lost", || lossy(10, 4 << 20));
}

/// Transfers while so many frames of 1,000 are lost. Which ones, nothing can repeat: the kernel draws them.
fn lossy(per_mille: u32, bytes: u64) {
    for offload in [true, false] {
        for congestion in [CongestionControl::Reno, CongestionControl::Cubic] {
            for from in [From::Stack, From::Kernel] {
                if from == From::Kernel && congestion != CongestionControl::Reno {
                    // Then it is the kernel's own.
                    continue;
                }
                let mut possible = true;
                Transfer { offload, from, congestion, bytes, ..FIRST }.run(|link| possible = lose(link, per_mille));
                if !possible {
                    return;
                }
            }
        }
    }
}

/// Has the kernel lose so many frames of 1,000 each way; false, and said so, where it cannot.
fn lose(link: Link, per_mille: u32) -> bool {
    let name = link.name();
    let rules = format!(
        "table inet lossy\ndelete table inet lossy\ntable inet lossy {{\n\
         chain in {{ type filter hook input priority 0; iifname \"{name}\" numgen random mod 1000 < {per_mille} drop; }}\n\
         chain out {{ type filter hook output priority 0; oifname \"{name}\" numgen random mod 1000 < {per_mille} drop; }}\n\
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
