//! The systemd unit and the container of docs/deploy.md.
//!
//! The tests need neither a running systemd nor a container engine.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use crate::common::Scratch;
use crate::common::document::blocks;
use crate::common::link::{SERVER, connect, expect, send};
use crate::common::netns::{in_namespace, output};
use crate::common::peer::Peer;
use crate::common::skip;

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

/// The user identifier of a user without privileges.
const USER: &str = "65534";

#[test]
fn systemd_accepts_the_unit() {
    let Some(_) = systemd(&["--version"]) else { return };
    let folder = Scratch::new("units");
    fs::create_dir(&folder).unwrap();
    let path = Path::new(folder.path()).join("smolstep.service");
    // systemd-analyze checks that the programs exist, so the test inserts the paths of this machine into the unit.
    let unit = block("[Unit]").replace("/usr/local/bin/smolstep", SMOLSTEP).replace("/usr/sbin/ip", &ip());
    fs::write(&path, unit).unwrap();
    let verified = output(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path)).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    // systemd-analyze can also report problems of other units on this machine.
    assert!(verified.status.success() && !said.contains("smolstep"), "{said}");
}

#[test]
fn the_unit_serves_under_its_restrictions() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    in_namespace("the_unit_serves_under_its_restrictions", || {
        let Some(filter) = systemd(&["syscall-filter"]) else { return };
        if let Err(error) = output(Command::new("strace").arg("--version")) {
            return skip("strace", &format!("strace: {error}; on Debian: apt-get install strace"));
        }
        let unit = block("[Unit]");
        for line in settings(&unit, "ExecStartPre") {
            let ignores = line.starts_with("+-");
            let line = line.trim_start_matches(['+', '-']).replace("/usr/sbin/ip", &ip());
            let done = output(Command::new("sh").args(["-c", &line.replace("user smolstep", &format!("user {USER}"))]));
            let done = done.unwrap();
            assert!(done.status.success() || ignores && line.contains("fdaa"), "{line}: {done:?}");
        }
        // strace runs as the unprivileged user, because otherwise it could not follow the process of that user.
        let start = settings(&unit, "ExecStart").concat().replace("/usr/local/bin/smolstep", "/dev/net/smolstep");
        let call = format!(
            "mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 && cp \"$0\" /dev/net/smolstep && \
             chmod 755 /dev/net && install -m 666 /dev/null /dev/net/calls && mount -o remount,bind,ro / && \
             exec setpriv --pdeathsig=KILL --reuid={USER} --regid={USER} --clear-groups --no-new-privs --inh-caps=-all \
             --bounding-set=-all strace -f -qq -o /dev/net/calls {start}"
        );
        let mut started = Command::new("unshare");
        let server = Peer::start(started.args(["-mpf", "--kill-child", "sh", "-c", &call, SMOLSTEP])).listening(10);
        let status = fs::read_to_string(format!("/proc/{}/status", served(server.id()))).unwrap();
        for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Uid:\t65534\t65534"] {
            assert!(status.contains(line), "{line}: {status}");
        }
        greet();
        // The file is opened now, because its mount disappears when the server exits. The file is read after the
        // server's final call.
        let mut file = File::open(format!("/proc/{}/root/dev/net/calls", server.id())).unwrap();
        terminate(served(server.id()));
        assert_eq!(server.finish().code(), Some(0));
        let mut calls = String::new();
        file.read_to_string(&mut calls).unwrap();
        assert!(calls.contains("SIGTERM") && calls.contains("exit_group(0)"), "{calls}");

        let allowed = allowed(&filter, &settings(&unit, "SystemCallFilter").concat());
        let families = settings(&unit, "RestrictAddressFamilies").concat();
        let mut made = 0;
        // A line has the form "PID call(arguments) = result".
        for line in calls.lines() {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            let Some((name, arguments)) = call.split_once('(').filter(|(name, _)| !name.contains([' ', '<'])) else {
                continue;
            };
            made += 1;
            assert!(allowed.contains(name), "{line}");
            // MemoryDenyWriteExecute forbids these mappings.
            assert!(!arguments.contains("PROT_WRITE|PROT_EXEC"), "{line}");
            let family = arguments.split([',', ')']).next().unwrap_or_default();
            assert!(name != "socket" || families.split(' ').any(|allowed| allowed == family), "{line}");
        }
        assert!(made > 50, "{calls}");
    });
}

#[test]
fn the_container_serves_with_one_capability() {
    in_namespace("the_container_serves_with_one_capability", || {
        let file = block("FROM ");
        let exec = |instruction: &str| {
            let line = file.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
            words(line.trim())
        };
        let command = [exec("ENTRYPOINT"), exec("CMD")].concat();
        // The script builds a new root file system with the contents of the image. Debian's /bin and /lib are links
        // into /usr.
        let call = r#"
            set -e; smolstep=$1; shift
            root=$(mktemp -d); mount -t tmpfs tmpfs "$root"; cd "$root"
            mkdir -p usr proc dev/net; mount --rbind -o ro /usr usr; mount -t tmpfs tmpfs usr/local
            for link in bin sbin lib lib64; do [ -L /$link ] && cp -P /$link . || { mkdir $link; mount --rbind /$link $link; }; done
            mkdir -p usr/local/bin; cp "$smolstep" usr/local/bin/smolstep
            mount -t proc proc proc; touch dev/net/tun dev/null; mount --bind /dev/net/tun dev/net/tun; mount --bind /dev/null dev/null
            export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
            exec chroot . setpriv --no-new-privs --inh-caps=-all,+net_admin --bounding-set=-all,+net_admin "$@"
        "#;
        let mut started = Command::new("unshare");
        started.args(["-mpf", "--kill-child", "sh", "-c", call, "sh", SMOLSTEP]).args(command);
        let server = Peer::start(&mut started).listening(10);
        let process = served(server.id());
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        // Bit 12 is CAP_NET_ADMIN.
        assert!(status.contains("CapEff:\t0000000000001000"), "{status}");
        assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");
        greet();
        terminate(process);
        assert_eq!(server.finish().code(), Some(0));
    });
}

/// Asserts that the servers greeting and echo answer.
fn greet() {
    for address in SERVER {
        let mut stream = connect(address, 9999);
        expect(&mut stream, "Welcome!");
        let mut stream = connect(address, 7);
        send(&mut stream, "hello\n");
        expect(&mut stream, "hello\n");
    }
}

/// Returns the code block of docs/deploy.md that begins with `start`.
fn block(start: &str) -> String {
    blocks("docs/deploy.md").into_iter().find(|block| block.text.starts_with(start)).expect("the block").text
}

/// Returns all values of a setting in a unit.
fn settings(unit: &str, name: &str) -> Vec<String> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(String::from).collect()
}

/// Parses a JSON array of strings whose only escape is `\"`.
fn words(array: &str) -> Vec<String> {
    let inner = array.strip_prefix("[\"").and_then(|array| array.strip_suffix("\"]")).expect("an array");
    inner.split("\", \"").map(|word| word.replace("\\\"", "\"")).collect()
}

/// Returns the system calls of a group such as `@system-service`.
///
/// The result includes the calls of all groups in this group.
fn allowed(filter: &str, group: &str) -> BTreeSet<String> {
    let (mut allowed, mut groups) = (BTreeSet::new(), vec![group.to_owned()]);
    while let Some(group) = groups.pop() {
        let lines = filter.lines().skip_while(|line| *line != group).skip(1);
        for line in lines.take_while(|line| line.starts_with(' ')).map(str::trim).filter(|line| !line.starts_with('#'))
        {
            if line.starts_with('@') {
                groups.push(line.into());
            } else {
                allowed.insert(line.into());
            }
        }
    }
    allowed
}

/// Returns the identifier of the smolstep process, which is the process `id` or one of its descendants.
fn served(id: u32) -> u32 {
    let mut id = id;
    loop {
        let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap();
        if name.trim() == "smolstep" {
            return id;
        }
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        id = children.split_whitespace().next().and_then(|child| child.parse().ok()).expect("a child");
    }
}

/// Sends SIGTERM, as `systemctl stop` and a container engine's `stop` do.
fn terminate(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
}

/// Returns the output of systemd-analyze, or `None` if it is not installed.
fn systemd(arguments: &[&str]) -> Option<String> {
    match output(Command::new("systemd-analyze").args(arguments)) {
        Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        other => {
            skip("systemd", &format!("systemd-analyze: {other:?}; on Debian: apt-get install systemd"));
            None
        }
    }
}

/// Returns the path of ip(8) on this machine.
fn ip() -> String {
    let places = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"];
    (*places.iter().find(|place| Path::new(place).exists()).expect("iproute2")).into()
}
