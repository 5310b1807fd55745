//! Tests of smolstep's command line: its options, output and exit codes. Other tests in this binary run the examples.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod command_line;
mod deploy;
mod doctor;
mod environment;
mod events;
mod examples;
mod interrupt;
mod shells;
mod standard_output;
mod terminal_output;
