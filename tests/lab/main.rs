//! The lab: its scenarios, faults and outputs. Other tests run `serve --step`, which shows a live server in the same
//! way.

#[cfg(target_os = "linux")]
mod capture;
#[cfg(target_os = "linux")]
mod chinese;
#[path = "../common/mod.rs"]
mod common;
mod exercises;
mod explanations;
mod faults;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod labels;
#[cfg(target_os = "linux")]
mod live;
mod network;
#[cfg(target_os = "linux")]
mod options;
mod packetdrill;
#[cfg(target_os = "linux")]
mod pictures;
#[cfg(target_os = "linux")]
mod prompt;
mod property;
mod scenarios;
mod swarm;
#[cfg(target_os = "linux")]
mod terminal;

use common::hostile;
