//! `smolstep lab --web`: which requests it serves and refuses, and the page in a browser.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod command;
mod files;
mod page;
mod requests;
mod server;
