//! What a user without rights can do and is told. Root becomes user 65534 for it, over a /dev/net that only the test sees.

use std::process::{Command, Output};

use smolstep::phy::linux::{Kind, OpenError, TunTap};

use crate::common::netns::{self, path_of, skip};
use crate::common::readme::{example, indented, inline, section};

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
fn where_user_namespaces_are_used_up_only_root_has_a_sandbox() {
    // The limit is set in a user namespace of the test's own, and holds in that one only.
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
fn the_doctor_names_what_mends_each() {
    let Some(output) = as_nobody(CLOSED, &[SMOLSTEP, "doctor"]) else { return };
    let text = text(&output);
    for line in [
        "missing  /dev/net/tun is there, not open to you: sudo chmod 666 /dev/net/tun",
        "note     you may not make interfaces (CAP_NET_ADMIN), but with sudo",
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
fn a_plain_user_with_a_sandbox_misses_nothing() {
    let Some(output) = as_nobody(OPEN, &[SMOLSTEP, "doctor"]) else { return };
    let text = text(&output);
    assert!(text.contains("ok       `smolstep sandbox` works") && !text.contains("missing"), "{text}");
    assert!(!text.contains(" del"), "{text}");
    assert_eq!(output.status.code(), Some(0));

    // A TAP is proposed, which takes root, to who has none.
    let Some(output) = as_nobody(
        &format!("{OPEN} && ip link del mine && ip tuntap add dev groups mode tap group 1"),
        &[SMOLSTEP, "doctor"],
    ) else {
        return;
    };
    let text = self::text(&output);
    let line = "note     no TAP or TUN here is yours; the sandbox does without: sudo ip tuntap add dev tap0 mode tap \
                user $(id -u) && sudo ip addr add 192.168.69.100/24 dev tap0 && ";
    assert!(text.contains(line) && !text.contains("missing"), "{text}");
    assert!(text.contains("note     groups is a TAP and group 1's, so you cannot attach to it\n"), "{text}");
}

#[test]
fn a_tap_opens_to_its_owner_alone() {
    let Some(output) = as_nobody(OPEN, &[ME, "--exact", &path_of("inside_owner"), "--ignored"]) else { return };
    assert!(output.status.success() && text(&output).contains("1 passed"), "{}", text(&output));
}

/// Not a test: run as user 65534 by `a_tap_opens_to_its_owner_alone`.
#[test]
#[ignore = "run as another user by another test"]
fn inside_owner() {
    if rustix::process::geteuid().as_raw() != 65534 {
        return;
    }
    TunTap::open(Kind::Tap, "mine").unwrap();
    let refused = TunTap::open(Kind::Tap, "other").unwrap_err();
    assert_eq!(refused, OpenError::NotOwner { kind: Kind::Tap, name: "other".into() });
    // It is not this user's to delete.
    let text = refused.to_string();
    assert!(
        text.contains("make one of yours with `sudo ip tuntap add dev mytap mode tap user $USER")
            && !text.contains(" del"),
        "{text}"
    );
}

#[test]
fn the_readmes_tour_and_its_sandbox() {
    let tour = section("Start").split("```").nth(1).unwrap();
    if let Some(printed) = typed("smolstep") {
        assert!(printed.contains(tour), "{printed}");
    }

    let sandbox = section("In a sandbox");
    let (command, shown) = example(sandbox, "printf");
    if let Some(printed) = typed(command) {
        assert_eq!(printed, lines(&shown));
    }
    let join = inline(sandbox, "smolstep sandbox --join -- COMMAND").replace("COMMAND", "nc -N 192.168.69.1 9999");
    let publish = inline(sandbox, "--publish 8000=9999");
    let shell = inline(sandbox, "smolstep sandbox --serve all -- sh").replace(" -- ", &format!(" {publish} -- "));
    let script = format!(
        "{}printf 'Li\\n' | {join}; printf 'Cheng\\n' | nc -N 127.0.0.1 8000; echo id -u >&3; {LEAVE}",
        in_background(&shell)
    );
    if let Some(printed) = typed(&script) {
        assert_eq!(printed, "Welcome!Hello,Li!\nWelcome!Hello,Cheng!\n0\n");
    }
}

#[test]
fn the_readmes_page_is_fetched() {
    let fetch = section("Fetch a page");
    let examples = ["get http://host.example/ ", "get http://host.example/disk.img", "get https"]
        .map(|begins| example(fetch, &format!("smolstep {begins}")));
    let (compare, same) = example(fetch, "curl -s");
    let [(page, shown), (file, nothing), (https, refused)] = examples;
    let script = format!(
        "echo '<h1>hello</h1>' >index.html; head -c 100000 /dev/urandom >disk.img
{} <<'END'
{{ {}}} >servers 2>&1
until curl -s http://192.168.69.100/ >/dev/null; do :; done
{page} 2>&1
{file} 2>&1
{compare}
{https} 2>&1 || true
END",
        inline(fetch, "smolstep sandbox -- sh"),
        indented(fetch)
    );
    if let Some(printed) = typed(&script) {
        assert_eq!(printed, lines(&[shown, nothing, same, refused].concat()));
    }
}

#[test]
fn the_readmes_chats() {
    let chat = section("Chat");
    let (command, shown) = example(chat, "smolstep sandbox -- smolstep serve chat");
    let (server, elsewhere) = command.split_once('#').unwrap();
    let (_, nc) = elsewhere.split_once(": ").unwrap();
    let talk = format!(
        "{}until grep -q 'tcp .fdaa::1' out; do :; done; printf 'hello, is anybody there?\\n' >said
         (cat said; until grep -q there? out; do :; done; echo q) | {nc}; kill $!; {LEAVE}",
        in_background(server)
    );
    if let Some(printed) = typed(&talk) {
        assert!(printed.starts_with("the talk has ended\n"), "{printed}");
        for line in shown.iter().take(4) {
            assert!(printed.contains(&format!("{line}\n")), "{line} not in {printed}");
        }
        assert!(printed.contains(" hello, is anybody there?\n"), "{printed}");
    }

    let (join, shown) = example(chat, "smolstep sandbox --join -- nc");
    let room = format!("{}echo q | {join}; {LEAVE}", in_background("smolstep sandbox --serve chat -- sh"));
    if let Some(printed) = typed(&room) {
        let heard: Vec<_> = printed.lines().take(2).collect();
        assert_eq!(heard, [shown[0], shown[shown.len() - 1]]);
    }

    let (nc, _) = example(chat, "(echo \"hi there\"");
    let (call, shown) = example(chat, "echo hi | smolstep call chat");
    let script = format!(
        "{} <<'END'\n{nc}\nuntil grep -q :2328 /proc/net/tcp; do :; done\n{call} >called\nwait; cat called\nEND",
        inline(chat, "smolstep sandbox -- sh")
    );
    if let Some(printed) = typed(&script) {
        assert_eq!(printed, lines(&shown));
    }
}

#[test]
fn the_readmes_status_page() {
    let page = section("The status page");
    let (events, shown) = example(page, "curl");
    // The stream of events has no end: it is cut off after a second.
    let script = format!(
        "{}until curl -s http://127.0.0.1:8000/ >page; do :; done; tail -n 1 page
         until [ -s events ]; do smolstep sandbox --join -- sh events.sh >events; done; head -n 1 events; {LEAVE}",
        in_background(&indented(page)),
    );
    let events = events.replace("curl", "curl -m 1").replace("192.168.69.1/", "192.168.69.1:8000/");
    let script = format!("cat <<'END' >events.sh\n{events}\nEND\n{script}");
    if let Some(printed) = typed(&script) {
        let mut printed = printed.lines();
        assert_eq!(printed.next(), Some("</script>"));
        let words = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(printed.next().map(words), Some(words(shown[0])));
    }
}

/// Starts a sandbox whose standard input is open as descriptor 3, with its output in `out`, and waits until others can join it.
fn in_background(command: &str) -> String {
    format!(
        "mkfifo in; {} <in >out 2>log & exec 3>in; until smolstep sandbox --join -- true 2>/dev/null; do :; done; ",
        command.trim()
    )
}

/// Ends that input, waits for the sandbox, and prints its output.
const LEAVE: &str = "exec 3>&-; wait; cat out";

/// Types this at the shell of a user without rights, who has a home for it and not all of root's PATH. Returns what is printed.
fn typed(script: &str) -> Option<String> {
    const USER: [&str; 4] = ["env", "PATH=/dev/net:/usr/local/bin:/usr/bin:/bin", "HOME=/dev/net/run", "RUST_LOG=warn"];
    let script = format!("cd && {script}");
    let output = as_nobody(OPEN, &[&USER[..], &["timeout", "100", "sh", "-c", &script]].concat())?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{script}\n{}", text(&output));
    Some(printed)
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

const OPEN: &str = "mknod -m 666 /dev/net/tun c 10 200";
const CLOSED: &str = "mknod -m 600 /dev/net/tun c 10 200";
const ABSENT: &str = "true";

/// This package's program and this test, where [`as_nobody`] puts them for everybody to read.
const SMOLSTEP: &str = "/dev/net/smolstep";
const ME: &str = "/dev/net/me";

/// Runs `command` as user and group 65534 in a network namespace with the TAPs `mine` and `other`, after `dev` has laid out
/// an empty /dev/net; what it leaves running ends with it. `None`, after saying why, where this is not possible.
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

/// Standard output and error.
fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}
