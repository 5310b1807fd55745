//! `smolstep doctor` with TAPs and TUNs in every state. The tests run the proposed commands verbatim, and check that no
//! command deletes anything.

use std::process::Command;

use smolstep::phy::linux::{Kind, TunTap};

use crate::common::link::on_tap_and_tun;
use crate::common::netns::{down, in_namespace, make, output};
use crate::common::peer::smolstep;

#[test]
fn each_state_of_an_interface_is_reported() {
    on_tap_and_tun("each_state_of_an_interface_is_reported", |link| {
        let name = link.name();
        let is = format!("{name} is a {} and anybody's", link.kind);
        assert_reported(&format!("ok       {is}, up, 192.168.69.100/24 fdaa::64/64"));

        let device = TunTap::open(link.kind, name).unwrap();
        assert_reported(&format!("note     {is}, up, in use by another program"));
        drop(device);
        assert_reported(&format!("ok       {is}, up, "));

        down(name);
        let device = TunTap::open(link.kind, name).unwrap();
        assert_reported(&format!("note     {is}, down, in use by another program"));
        drop(device);
        assert_reported(&format!("note     {is}, down: ip link set {name} up"));
        run_proposed(&format!("note     {is}, down: "));
        assert_reported(&format!("ok       {is}, up, 192.168.69.100/24"));
    });
}

#[test]
fn a_bridge_is_named() {
    in_namespace("a_bridge_is_named", || {
        let is = "tap0 is a TAP and anybody's";
        make(Kind::Tap, "tap0", &[]);
        ip("link add br0 type bridge");
        ip("link set tap0 master br0");
        down("tap0");
        assert_reported(&format!("note     {is}, down, enslaved to the bridge br0: ip link set tap0 up"));
        run_proposed(&format!("note     {is}, down, enslaved to the bridge br0: "));
        assert_reported(&format!("note     {is}, up, enslaved to the bridge br0, which is down: ip link set br0 up"));
        run_proposed(&format!("note     {is}, up, enslaved to the bridge br0, which is down: "));
        assert_reported(&format!("ok       {is}, up, enslaved to the bridge br0"));
    });
}

#[test]
fn the_proposed_commands_work_verbatim() {
    in_namespace("the_proposed_commands_work_verbatim", || {
        let none = "note     no TAP or TUN here is yours; the sandbox needs none; make one: ";
        assert_reported(none);
        run_proposed(none);
        assert_reported("ok       tap0 is a TAP and anybody's, up, 192.168.69.100/24 fdaa::64/64");

        // The second interface gets another network. Otherwise the kernel would send its packets to the first
        // interface.
        make(Kind::Tun, "tun0", &[]);
        run_proposed("note     tun0 is a TUN and anybody's, up, without an address: ");
        assert_reported("ok       tun0 is a TUN and anybody's, up, 192.168.70.100/24");
        ip("tuntap add dev tap1 mode tap");
        run_proposed("note     tap1 is a TAP and anybody's, down, without an address: ");
        assert_reported("ok       tap1 is a TAP and anybody's, up, 192.168.71.100/24");
    });
}

#[test]
fn without_ipv6_no_ipv6_address_is_proposed() {
    in_namespace("without_ipv6_no_ipv6_address_is_proposed", || {
        std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1").unwrap();
        run_proposed("note     no TAP or TUN here is yours; the sandbox needs none; make one: ");
        assert_reported("ok       tap0 is a TAP and anybody's, up, 192.168.69.100/24");
    });
}

#[test]
fn a_multi_queue_interface_is_not_used() {
    in_namespace("a_multi_queue_interface_is_not_used", || {
        ip("tuntap add dev tap0 mode tap multi_queue");
        assert_reported("note     tap0 is a TAP and anybody's, made multi-queue, which smolstep does not use");
    });
}

/// Returns the doctor's report. The exit code is ignored, because it depends on whether a sandbox works on this
/// machine.
fn report() -> String {
    let report = output(smolstep().arg("doctor")).unwrap();
    String::from_utf8(report.stdout).unwrap()
}

/// Asserts that a line of the report begins with `line`.
///
/// Also asserts that no line proposes to delete anything.
#[track_caller]
fn assert_reported(line: &str) {
    let report = report();
    assert!(report.lines().any(|l| l.starts_with(line)), "{line} not in {report}");
    assert!(!report.contains(" del"), "{report}");
}

/// Runs the commands that the report proposes in the line that begins with `line`.
#[track_caller]
fn run_proposed(line: &str) {
    let report = report();
    let commands =
        report.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_else(|| panic!("{line} not in {report}"));
    let output = output(Command::new("sh").args(["-c", commands])).unwrap();
    assert!(output.status.success(), "{commands}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs `ip LINE`.
#[track_caller]
fn ip(line: &str) {
    let output = output(Command::new("ip").args(line.split(' '))).unwrap();
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}
