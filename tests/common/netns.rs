//! Creates a network namespace for a test, and interfaces in it.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::thread::UnshareFlags;
use smolstep::cli::netlink::{Netlink, quieten};
use smolstep::phy::linux::{Kind, create};

/// Runs `test` on its own thread in a new network namespace.
///
/// The namespace has only a loopback interface, which is up. Threads and children of `test` are also in the namespace.
/// If the user is not root, a child process runs the test `name` again as root of a user namespace. The test is skipped
/// if this machine does not allow namespaces, or has no /dev/net/tun: see [`skip`].
pub fn in_namespace(name: &str, test: impl FnOnce() + Send + 'static) {
    if let Err(why) = open_tun() {
        return skip(&why);
    }
    if !rustix::process::geteuid().is_root() {
        return again_as_root(name);
    }
    let thread = std::thread::spawn(move || {
        if let Err(why) = unshare(UnshareFlags::NEWNET) {
            return skip(&format!("no network namespaces: {why}"));
        }
        up("lo");
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Reports a skipped test on standard error. Fails the test if SMOLSTEP_REQUIRE contains `tap`.
pub fn skip(why: &str) {
    let required = std::env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    assert!(!required.split([',', ' ']).any(|r| r == "tap"), "SMOLSTEP_REQUIRE has tap, but: {why}");
    eprintln!("skipped: {why}");
}

/// A lock that a thread holds while it starts a child, or while it has a TAP or TUN open.
///
/// Otherwise a new child would inherit the open TAP until it executes its program. A server would then be unable to
/// attach to the TAP.
static FORK: Mutex<()> = Mutex::new(());

/// Writes an executable file. No child must start meanwhile: the child would inherit the open file, and the program
/// could then not be executed ("text file busy").
pub fn write_program(path: &Path, text: &str) -> io::Result<()> {
    let _no_child = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Starts a child process. Tests must use this function or [`output`], because of the lock [`FORK`].
///
/// The locale is C.UTF-8, so that the lab speaks English on every machine, unless the command itself sets or removes
/// LC_ALL. COLUMNS is removed, so that a ladder outside a terminal has 80 columns.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    if command.get_envs().all(|(name, _)| name != "LC_ALL") {
        command.env("LC_ALL", "C.UTF-8");
    }
    if command.get_envs().all(|(name, _)| name != "COLUMNS") {
        command.env_remove("COLUMNS");
    }
    let _nobody_attached = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Runs a child until it exits, and returns its output.
pub fn output(command: &mut Command) -> io::Result<Output> {
    spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?.wait_with_output()
}

/// Creates a TAP or TUN in this thread's namespace and sets it up. The kernel's end gets `addresses`.
pub fn make(kind: Kind, name: &str, addresses: &[(&str, u8)]) {
    let _no_child = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    let _attached_until_up = create(kind, name).unwrap();
    quieten(name);
    up(name);
    let mut netlink = Netlink::open().unwrap();
    let index = netlink.link(name).unwrap().unwrap().index;
    for (address, prefix_len) in addresses {
        netlink.add_address(index, address.parse::<IpAddr>().unwrap(), *prefix_len).unwrap();
    }
}

/// Brings an interface up.
pub fn up(name: &str) {
    set(name, true);
}

/// Takes an interface down.
pub fn down(name: &str) {
    set(name, false);
}

fn set(name: &str, up: bool) {
    let mut netlink = Netlink::open().unwrap();
    let index = netlink.link(name).unwrap().unwrap().index;
    netlink.set_up(index, up).unwrap();
}

/// Deletes an interface.
pub fn delete(name: &str) {
    let mut netlink = Netlink::open().unwrap();
    let index = netlink.link(name).unwrap().unwrap().index;
    netlink.delete(index).unwrap();
}

/// The packet counts of an interface in both directions.
pub struct Counters {
    pub received: Counted,
    pub sent: Counted,
}

pub struct Counted {
    pub packets: u64,
    pub dropped: u64,
}

/// Returns the packet counts of an interface in this namespace.
pub fn counters(name: &str) -> Counters {
    let devices = fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let mut lines = devices.lines();
    let line = lines.find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':')).expect("the interface");
    let columns: Vec<u64> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
    // Eight columns in each direction: bytes, packets, errors, dropped, and four others.
    let one = |first: usize| Counted { packets: columns[first + 1], dropped: columns[first + 3] };
    Counters { received: one(0), sent: one(8) }
}

/// Checks whether `smolstep sandbox` can work on this machine.
///
/// A sandbox needs user namespaces and /dev/net/tun.
pub fn sandbox_possible() -> Result<(), String> {
    open_tun()?;
    match output(Command::new("unshare").args(["-Urn", "true"])) {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("no user namespaces: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(e) => Err(format!("no unshare(1): {e}")),
    }
}

/// Returns an error if /dev/net/tun cannot be opened.
fn open_tun() -> Result<(), String> {
    let opened = File::options().read(true).write(true).open("/dev/net/tun");
    opened.map(drop).map_err(|e| format!("/dev/net/tun: {e}"))
}

/// Runs the test `name` again in a child process, as root of a new user namespace.
fn again_as_root(name: &str) {
    if let Err(why) = sandbox_possible() {
        return skip(&why);
    }
    let mut command = Command::new("unshare");
    command.arg("-Urn").arg(std::env::current_exe().unwrap()).args(["--exact", &path_of(name), "--nocapture"]);
    let status = spawn(&mut command).and_then(|mut child| child.wait()).unwrap();
    assert!(status.success(), "{name} failed in its namespace");
}

/// Returns the full path `module::name` of a test in this binary.
///
/// `name` is the test's name or the end of its path.
///
/// # Panics
/// Panics if no test or more than one test has that name.
pub fn path_of(name: &str) -> String {
    let listed = output(Command::new(std::env::current_exe().unwrap()).args(["--list", "--format", "terse"])).unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout);
    let paths = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let found: Vec<&str> = paths.filter(|path| *path == name || path.ends_with(&format!("::{name}"))).collect();
    let [path] = found[..] else { panic!("{} tests are named {name}: {found:?}", found.len()) };
    path.to_owned()
}

// rustix deprecates this function because it is unsound with CLONE_FILES, which is not used here.
#[allow(deprecated)]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}
