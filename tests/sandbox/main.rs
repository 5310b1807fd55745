//! Tests of `smolstep sandbox` and of smolstep without privileges.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod command;
mod unprivileged;
