//! smolstep, run by an unprivileged user: the commands that work, and the errors of the other commands.
//!
//! The tests need root, because they become user 65534. Each test has its own /dev/net.

use std::process::{Command, Output};

use smolstep::phy::linux::{Kind, OpenError, TunTap};

use crate::common::document::{Block, blocks};
use crate::common::netns::{self, path_of, skip};

#[test]
fn the_sandbox_needs_no_root() {
    let Some(output) =
        as_nobody(OPEN, &[SMOLSTEP, "sandbox", "--", "sh", "-c", "id -u; ip -br addr show tap0; exit 3"])
    else {
        return;
    };
    let text = text(&output);
    assert!(text.starts_with("0\n") && text.contains("192.168.69.100/24 fdaa::64/64"), "{text}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_sandbox_says_what_is_wrong_with_dev_net_tun() {
    for (dev, what) in
        [(CLOSED, "no permission to open /dev/net/tun: run `sudo chmod"), (ABSENT, "there is no /dev/net/tun: run")]
    {
        let Some(output) = as_nobody(dev, &[SMOLSTEP, "sandbox", "--", "true"]) else { return };
        let text = text(&output);
        assert!(text.contains(what) && text.lines().count() == 1, "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn without_user_namespaces_only_root_has_a_sandbox() {
    // The limit is set in a new user namespace, and applies only there.
    let limited = |limit: u8, then: &str| {
        let limit = format!("echo {limit} > /proc/sys/user/max_user_namespaces; {then} {SMOLSTEP} sandbox -- true");
        as_nobody(OPEN, &["unshare", "-Ur", "sh", "-c", &limit])
    };
    let Some(root) = limited(0, "exec") else { return };
    assert_eq!((root.status.code(), text(&root).as_str()), (Some(0), ""));

    let Some(user) = limited(1, "exec unshare -U --map-user=5") else { return };
    let text = text(&user);
    assert!(text.contains("user and network namespaces are not allowed here") && text.lines().count() == 1, "{text}");
    assert_eq!(user.status.code(), Some(1));
}

#[test]
fn the_doctor_names_the_remedy_for_each_problem() {
    let Some(output) = as_nobody(CLOSED, &[SMOLSTEP, "doctor"]) else { return };
    let text = text(&output);
    for line in [
        "missing  you may not open /dev/net/tun: sudo chmod 666 /dev/net/tun",
        "note     you need sudo to make interfaces (CAP_NET_ADMIN)",
        "note     mine is a TAP and yours, down, without an address: sudo ip addr add 192.168.69.100/24 dev mine && sudo ",
        "note     other is a TAP and user 1's, so you cannot attach to it",
        "ok       user and network namespaces are allowed",
        "missing  `smolstep sandbox` does not work: no permission to open /dev/net/tun",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line} not in {text}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_is_missing_for_a_plain_user_with_a_sandbox() {
    let Some(output) = as_nobody(OPEN, &[SMOLSTEP, "doctor"]) else { return };
    let text = text(&output);
    assert!(text.contains("ok       `smolstep sandbox` works") && !text.contains("missing"), "{text}");
    assert!(!text.contains(" del"), "{text}");
    assert_eq!(output.status.code(), Some(0));

    // If the user has no TAP, the doctor proposes commands that create a TAP with sudo.
    let Some(output) = as_nobody(
        &format!("{OPEN} && ip link del mine && ip tuntap add dev groups mode tap group 1"),
        &[SMOLSTEP, "doctor"],
    ) else {
        return;
    };
    let text = self::text(&output);
    let line = "note     no TAP or TUN here is yours; the sandbox needs none; make one: sudo ip tuntap add dev tap0 mode tap \
                user $(id -u) && sudo ip addr add 192.168.69.100/24 dev tap0 && ";
    assert!(text.contains(line) && !text.contains("missing"), "{text}");
    assert!(text.contains("note     groups is a TAP and group 1's, so you cannot attach to it\n"), "{text}");
}

#[test]
fn only_its_owner_can_open_a_tap() {
    let Some(output) = as_nobody(OPEN, &[ME, "--exact", &path_of("inside_owner"), "--ignored"]) else { return };
    assert!(output.status.success() && text(&output).contains("1 passed"), "{}", text(&output));
}

/// Not a test: `only_its_owner_can_open_a_tap` runs it as user 65534.
#[test]
#[ignore = "run as another user by another test"]
fn inside_owner() {
    if rustix::process::geteuid().as_raw() != 65534 {
        return;
    }
    TunTap::open(Kind::Tap, "mine").unwrap();
    let refused = TunTap::open(Kind::Tap, "other").unwrap_err();
    assert_eq!(refused, OpenError::NotOwner { kind: Kind::Tap, name: "other".into() });
    // The message must not suggest deleting a TAP of another user.
    let text = refused.to_string();
    assert!(
        text.contains("make one of yours with `sudo ip tuntap add dev mytap mode tap user $USER")
            && !text.contains(" del"),
        "{text}"
    );
}

#[test]
fn the_readmes_sandbox_works_for_a_plain_user() {
    let blocks = blocks("README.md");
    let example = blocks.iter().flat_map(Block::examples).find(|e| e.command.contains(" sandbox ")).unwrap();
    // The PATH of a plain user lacks root's folders.
    let user = ["env", "PATH=/dev/net:/usr/local/bin:/usr/bin:/bin", "RUST_LOG=warn", "sh", "-c", &example.command];
    let Some(output) = as_nobody(OPEN, &user) else { return };
    assert_eq!(text(&output).lines().collect::<Vec<_>>(), example.shown);
}

const OPEN: &str = "mknod -m 666 /dev/net/tun c 10 200";
const CLOSED: &str = "mknod -m 600 /dev/net/tun c 10 200";
const ABSENT: &str = "true";

/// A copy of smolstep that every user can read. [`as_nobody`] creates the copy.
const SMOLSTEP: &str = "/dev/net/smolstep";
/// A copy of this test binary that every user can read. [`as_nobody`] creates the copy.
const ME: &str = "/dev/net/me";

/// Runs `command` as user and group 65534 in a new network namespace.
///
/// The namespace has the TAPs `mine`, which user 65534 owns, and `other`, which user 1 owns.
///
/// Before `command`, the shell command `dev` prepares /dev/net. All processes are killed when `command` exits. Returns
/// `None` if the test has to be skipped.
fn as_nobody(dev: &str, command: &[&str]) -> Option<Output> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return None;
    }
    let prepare = format!(
        "ip link set lo up && ip tuntap add dev mine mode tap user 65534 && ip tuntap add dev other mode tap user 1 && \
         mount -t tmpfs tmpfs /dev/net && cp \"$1\" {SMOLSTEP} && cp \"$2\" {ME} && \
         install -d -m 700 -o 65534 -g 65534 /dev/net/run && {dev} || exit 99; \
         shift 2; export XDG_RUNTIME_DIR=/dev/net/run; \
         exec setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\""
    );
    let mut built = Command::new("unshare");
    built.args(["-mnpf", "--mount-proc", "--kill-child", "sh", "-c", &prepare, "sh", env!("CARGO_BIN_EXE_smolstep")]);
    let output = netns::output(built.arg(std::env::current_exe().unwrap()).args(command)).unwrap();
    if output.status.code() == Some(99) {
        skip(&format!("cannot lay out a /dev/net: {}", text(&output)));
        return None;
    }
    Some(output)
}

/// Returns the standard output and the standard error.
fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}
