//! `smolstep sandbox`, and what a user without rights can do.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod command;
mod unprivileged;
