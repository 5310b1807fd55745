//! The lab: two stacks in memory, its scenarios, faults and outputs; and the same view of a server on a link.

#[cfg(target_os = "linux")]
mod capture;
#[path = "../common/mod.rs"]
mod common;
mod explanations;
mod faults;
#[cfg(target_os = "linux")]
mod labels;
#[cfg(target_os = "linux")]
mod live;
mod property;
mod scenarios;
mod selftest;
mod swarm;
#[cfg(target_os = "linux")]
mod terminal;

use common::hostile;
