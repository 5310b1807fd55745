//! `smolstep sandbox`, and the program without privileges.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod command;
mod unprivileged;
