//! The network settings of a firmware's build: the constants that they become, and one-line errors.

#[path = "../../src/cli/addr_text.rs"]
pub mod addr_text;
#[path = "../../src/board/build/network.rs"]
mod network;
#[path = "../../src/names/rules.rs"]
pub mod rules;
#[path = "../../src/board/build/target.rs"]
mod target;

use std::cell::RefCell;

use network::Network;

thread_local! {
    static SETTINGS: RefCell<Vec<(&'static str, &'static str)>> = const { RefCell::new(Vec::new()) };
}

/// Replaces the function of build.rs that reads an environment variable.
pub fn setting(name: &str) -> Option<String> {
    SETTINGS.with_borrow(|all| all.iter().find(|(its, _)| *its == name).map(|(_, text)| (*text).to_owned()))
}

/// Replaces the function of build.rs that returns the hardware address.
pub fn mac() -> [u8; 6] {
    [2, 0, 0, 0, 0, 1]
}

/// Returns the constants that these settings compile into a firmware, or the error.
fn source(settings: &[(&'static str, &'static str)], features: &[&str]) -> Result<String, String> {
    SETTINGS.set(settings.to_vec());
    Ok(Network::from_environment(&|feature| features.contains(&feature))?.source())
}

const ALL: &[&str] = &["dhcp", "ipv6", "slaac"];

#[test]
fn the_default_settings_match_the_porting_guide() {
    let source = source(&[], &[]).unwrap();
    for line in [
        "ADDRESSES: &[IpCidr] = &[IpCidr::Ipv4(wire::Ipv4Cidr::new(wire::Ipv4Address::from_octets([192, 168, 69, 1]), 24))];",
        "DHCP: bool = false;",
        "SLAAC: bool = false;",
        "GATEWAYS: &[IpAddress] = &[];",
        "DNS: &[IpAddress] = &[];",
        "SERVER: Host = Host::Address(IpAddress::Ipv4(wire::Ipv4Address::from_octets([192, 168, 69, 100])));",
        "PORT: Option<u16> = None;",
    ] {
        assert!(source.contains(line), "{line} is not in {source}");
    }
}

#[test]
fn all_settings_can_be_combined() {
    let settings = [
        ("SMOLSTEP_IP", "192.168.69.1/24,dhcp,slaac,fdaa::1/64"),
        ("SMOLSTEP_GATEWAY", "192.168.69.100,fdaa::64"),
        ("SMOLSTEP_DNS", "192.168.69.100,fdaa::64"),
        ("SMOLSTEP_SERVER", "greeter.example:99"),
    ];
    let source = source(&settings, ALL).unwrap();
    for line in ["DHCP: bool = true;", "SLAAC: bool = true;", "Host::Name(\"greeter.example\")", "Some(99)"] {
        assert!(source.contains(line), "{line} is not in {source}");
    }
    // SLAAC creates the link-local address at run time.
    assert!(!source.contains("[254, 128"), "{source}");
}

#[test]
fn a_link_local_address_can_be_combined_with_others() {
    let made = "from_octets([254, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254, 0, 0, 1]), 64)";
    for (ip, is_made) in [("fdaa::1/64", true), ("fdaa::1/64,fe80::5/64", false), ("192.168.69.1/24", false)] {
        let source = source(&[("SMOLSTEP_IP", ip)], ALL).unwrap();
        assert_eq!(source.contains(made), is_made, "{ip}: {source}");
    }
    let settings =
        [("SMOLSTEP_IP", "fdaa::1/64"), ("SMOLSTEP_GATEWAY", "fe80::64"), ("SMOLSTEP_SERVER", "[fd09::1]:7")];
    assert!(source(&settings, ALL).unwrap().contains("Some(7)"));
}

#[test]
fn an_invalid_setting_is_a_one_line_error() {
    let ip = |text| vec![("SMOLSTEP_IP", text)];
    let and = |text, name, other| vec![("SMOLSTEP_IP", text), (name, other)];
    let (gateway, dns, server) = ("SMOLSTEP_GATEWAY", "SMOLSTEP_DNS", "SMOLSTEP_SERVER");
    for (settings, why) in [
        (ip("dhpc"), "'dhpc' in SMOLSTEP_IP is neither dhcp nor slaac, nor an address like 192.168.69.1/24"),
        (ip("dhcp,"), "'' in SMOLSTEP_IP is neither dhcp nor slaac, nor an address like 192.168.69.1/24"),
        (ip("dhcp,slaac,dhcp"), "dhcp appears twice in SMOLSTEP_IP"),
        (ip("fdaa::1/64,fdaa::1/48"), "fdaa::1/48 appears twice in SMOLSTEP_IP"),
        (ip("192.168.69.1"), "'192.168.69.1' for SMOLSTEP_IP has no prefix: write for instance 192.168.69.1/24"),
        (
            ip("192.168.69.1/33"),
            "bad address '192.168.69.1/33' for SMOLSTEP_IP: write it like 192.168.69.1/24 or fdaa::1/64",
        ),
        (
            ip("192.168.69.255/24"),
            "'192.168.69.255/24' for SMOLSTEP_IP is not a host address: it might be a network or multicast address",
        ),
        (
            ip("ff02::1/64"),
            "'ff02::1/64' for SMOLSTEP_IP is not a host address: it might be a network or multicast address",
        ),
        (
            ip("10.0.0.1/8,10.0.0.2/8,10.0.0.3/8"),
            "SMOLSTEP_IP needs room for 3 addresses, including those from dhcp, slaac and the link; there is room for 2",
        ),
        (
            ip("slaac,fd01::1/64,fd02::1/64,fd03::1/64,fd04::1/64,fd05::1/64"),
            "SMOLSTEP_IP needs room for 9 addresses, including those from dhcp, slaac and the link; there is room for 8",
        ),
        (
            and("dhcp", gateway, "192.168.69.300"),
            "bad address '192.168.69.300' for SMOLSTEP_GATEWAY: it must be an IP address",
        ),
        (
            and("dhcp", gateway, "192.168.69.100"),
            "192.168.69.100 in SMOLSTEP_GATEWAY is not on the network of an address in SMOLSTEP_IP; dhcp and slaac find a \
             router",
        ),
        (
            and("10.0.0.1/8", gateway, "10.0.0.2,10.0.0.3"),
            "SMOLSTEP_GATEWAY has two routers of one family: use one for IPv4 and one for IPv6",
        ),
        (and("10.0.0.1/8", gateway, "10.0.0.1"), "10.0.0.1 in SMOLSTEP_GATEWAY is the board's own address"),
        (and("10.0.0.1/8", gateway, "224.0.0.1"), "224.0.0.1 in SMOLSTEP_GATEWAY is not a host address"),
        (
            and("10.0.0.1/8", dns, "fdaa::64"),
            "no route to fdaa::64 in SMOLSTEP_DNS: give an address on its network in SMOLSTEP_IP, or a router in \
             SMOLSTEP_GATEWAY",
        ),
        (and("dhcp", dns, "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5"), "SMOLSTEP_DNS has more than 4 servers"),
        (
            and("10.0.0.1/8", server, "192.168.69.100"),
            "no route to 192.168.69.100 in SMOLSTEP_SERVER: give an address on its network in SMOLSTEP_IP, or a router in \
             SMOLSTEP_GATEWAY",
        ),
        (
            and("10.0.0.1/8", server, "greeter.example"),
            "SMOLSTEP_SERVER is a name and there is no DNS server: set SMOLSTEP_DNS, or dhcp in SMOLSTEP_IP",
        ),
        (
            and("dhcp", server, "gree ter"),
            "bad host 'gree ter' in SMOLSTEP_SERVER: a host's name has letters, digits, hyphens and dots; write others as \
             xn--...",
        ),
        (and("dhcp", server, "255.255.255.255"), "255.255.255.255 in SMOLSTEP_SERVER is not a host address"),
        (
            and("dhcp", server, "greeter:0"),
            "bad address 'greeter:0' for SMOLSTEP_SERVER: it is an IP address or a name, with a port as in \
             192.168.69.100:9999 or [fdaa::64]:9999",
        ),
    ] {
        assert_eq!(source(&settings, ALL), Err(why.into()), "{settings:?}");
    }
}

#[test]
fn a_missing_feature_is_named() {
    for (ip, features, missing) in [
        ("dhcp", &[][..], "dhcp"),
        ("fdaa::1/64", &[], "ipv6"),
        ("slaac", &["ipv6"], "slaac"),
        ("dhcp,fdaa::1/64", &["dhcp", "ipv6"], "slaac"),
    ] {
        let why = format!("this SMOLSTEP_IP needs the feature {missing}, which scripts/firmware adds");
        assert_eq!(source(&[("SMOLSTEP_IP", ip)], features), Err(why), "{ip}");
    }
}

/// With an invalid setting, both scripts/firmware and cargo fail with one line.
#[test]
fn an_invalid_setting_fails_the_build() {
    let said = crate::common::firmware::build("lm3s6965evb", &[("SMOLSTEP_IP", "dhpc")]);
    match said {
        Err(why) if why.contains("qemu") || why.contains("no Rust for") => crate::common::skip("qemu", &why),
        said => assert_eq!(
            said,
            Err("error: smolstep@0.1.0: 'dhpc' in SMOLSTEP_IP is neither dhcp nor slaac, nor an address like 192.168.69.1/24".into())
        ),
    }
}

#[test]
fn only_processors_with_the_needed_instructions_are_accepted() {
    for target in
        ["thumbv7m-none-eabi", "thumbv7em-none-eabihf", "thumbv8m.main-none-eabi", "riscv32imac-unknown-none-elf"]
    {
        assert_eq!(target::check(target), Ok(()));
    }
    for target in ["thumbv6m-none-eabi", "thumbv8m.base-none-eabi", "riscv64gc-unknown-none-elf"] {
        let why = target::check(target).unwrap_err();
        assert!(why.contains(target) && why.contains("without this feature"), "{why}");
    }
}

/// The build stops with the error from build.rs.
#[test]
fn a_build_for_an_unfit_processor_says_so() {
    match crate::common::firmware::check_board_for("thumbv6m-none-eabi") {
        Err(why) if why.contains("no Rust for") => crate::common::skip("qemu", &why),
        said => {
            let why = target::check("thumbv6m-none-eabi").unwrap_err();
            assert_eq!(said, Err(format!("error: smolstep@0.1.0: {why}")));
        }
    }
}
