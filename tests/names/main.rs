//! Names and addresses on a real link: DNS, DHCP, router advertisements, and zones.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod disagreeing;
mod leases;
mod odd_servers;
mod resolver;
mod zones;
