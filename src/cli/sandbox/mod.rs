//! `smolstep sandbox`: runs a command in its own user and network namespace, with a TAP.
//!
//! One process does all the work. It binds the published ports, enters the namespace and creates the TAP. Then it
//! starts the command as a child process, and serves until the command exits. The order matters, because ports that are
//! bound before the process enters the namespace belong to the host. The process starts no second thread before it
//! enters the namespace, because the kernel does not move a process with several threads.

mod dashes;
mod error;
mod guest;
mod join;
pub(crate) mod namespace;
mod publish;
mod udp;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use clap::Args;

use crate::app::Program;
use crate::cli::console::Stdio;
use crate::cli::error::Failure;
use crate::cli::link::{LinkArgs, Side};
use crate::cli::netlink::{Netlink, quieten};
use crate::cli::programs::programs;
use crate::cli::serve::ServerArgs;
use crate::cli::watch::Watch;
use crate::host::Clock;
use crate::phy::linux::{Kind, OpenError, TunTap, create};
use crate::stack::Io;

pub use dashes::missing_dashes;
pub use error::SandboxError;
pub use guest::Guest;
pub use join::join;
pub use publish::Publish;

/// The name of the TAP in the sandbox.
pub const TAP: &str = "tap0";
/// The IPv4 address of the servers. Connections to published ports are forwarded to this address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 1);
/// The addresses of the kernel's end of the TAP, with prefix lengths.
pub const KERNEL: [(IpAddr, u8); 2] = [
    (IpAddr::V4(Ipv4Addr::new(192, 168, 69, 100)), 24),
    (IpAddr::V6(Ipv6Addr::new(0xfdaa, 0, 0, 0, 0, 0, 0, 0x64)), 64),
];
/// The kernel's link-local address, the source of router advertisements (RFC 4861 section 4.2). On other TAPs, the
/// kernel assigns a link-local address itself. On tap0, [`quieten`] prevents that.
const ROUTER: (IpAddr, u8) = (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x64)), 64);

/// Run a command in a private network with tap0, and servers at the other end of tap0
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("The servers have 192.168.69.1 and fdaa::1 as addresses; COMMAND has 192.168.69.100 and fdaa::64.

{}
Examples:
  smolstep sandbox --serve greeting -- nc -N 192.168.69.1 9999
  smolstep sandbox --serve upper --publish 8080=14000 -- sh
  smolstep sandbox --join -- nc -N 192.168.69.1 9999", programs()))]
pub struct SandboxArgs {
    /// Serve these programs, or all, on tap0 [default: none, so that COMMAND can attach to tap0]
    #[arg(long, value_name = "APP", num_args = 1.., conflicts_with = "join")]
    pub serve: Vec<String>,
    /// Forward HOSTPORT of 127.0.0.1 on this host to PORT of the servers, TCP and UDP; repeatable [default: none]
    #[arg(long, value_name = "HOSTPORT=PORT", conflicts_with = "join")]
    pub publish: Vec<Publish>,
    /// Run COMMAND in the newest of your running sandboxes
    #[arg(long)]
    pub join: bool,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Write every frame to FILE, which Wireshark opens [default: no capture]
    #[arg(long, value_name = "FILE", requires = "serve")]
    pub pcap: Option<PathBuf>,
    /// The command to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Runs `smolstep sandbox` and returns the command's exit code.
///
/// # Errors
/// The error's message is one line for the user.
pub fn sandbox(args: &SandboxArgs) -> Result<u8, Failure> {
    let failed = |error: SandboxError| Failure::new(error.exit_code(), error);
    if args.join {
        return Err(failed(join(&args.command)));
    }
    if args.serve.is_empty() && args.server != ServerArgs::default() {
        return Err(Failure::usage("options of servers need --serve APP, as in --serve greeting --port greeting=4000"));
    }
    let mut plan = args.server.plan(&args.serve)?;
    if args.server.once && !plan.serves(Program::Inbox) {
        return Err(Failure::usage("in a sandbox chat is a room, which has no end: --once is only for inbox"));
    }
    // Without --serve, COMMAND can run the servers of the published ports.
    if !args.serve.is_empty() {
        args.publish.iter().try_for_each(|published| plan.check_published(*published))?;
    }
    // The console belongs to COMMAND, so chat has no terminal and is always a room.
    plan.room = true;
    let link_args = LinkArgs { tap: Some(TAP.into()), ..LinkArgs::default() };
    let mut link = link_args.link(Side::Server)?;
    // The link has no host that could use the same addresses, so they need no check.
    link.claim = false;
    let sandbox = Sandbox::enter(&args.publish).map_err(failed)?;
    if args.serve.is_empty() {
        return Ok(sandbox.start(&args.command).map_err(failed)?.wait());
    }
    let device = sandbox.attach().map_err(Failure::run)?;
    let clock = Clock::start();
    let watch = Watch::new(&link, &device, &clock, args.pcap.as_deref())?;
    let mut guest =
        plan.run(&link, &clock, Io { device, console: Stdio::output_only(), probe: watch }, |listening| {
            listening.lines().for_each(|line| log::info!("{line}"));
            sandbox.start(&args.command).map_err(failed)
        })?;
    Ok(guest.wait())
}

/// A namespace with a TAP, ready for its command. After this value is dropped, `--join` no longer finds the sandbox.
#[derive(Debug)]
pub struct Sandbox {
    _entry: join::Entry,
}

impl Sandbox {
    /// Moves this process permanently into new namespaces and creates tap0 there. tap0 is up and has both addresses of
    /// [`KERNEL`]. The process must have only one thread.
    ///
    /// # Errors
    /// The error's message is one line for the user: see [`SandboxError`].
    pub fn enter(publish: &[Publish]) -> Result<Sandbox, SandboxError> {
        let published = publish::bind(publish)?;
        // Find the folder before entering the namespace, because the namespace changes the apparent user.
        let folder = join::folder()?;
        namespace::enter()?;
        make_tap()?;
        // The threads that forward the published ports inherit the namespaces, so they start only now.
        published.run().map_err(SandboxError::Thread)?;
        Ok(Sandbox { _entry: join::Entry::write(&folder)? })
    }

    /// Attaches to tap0 to serve on it. Call this method before [`Sandbox::start`], so that no frame from the command
    /// is missed.
    ///
    /// # Errors
    /// The error's message is one line for the user.
    pub fn attach(&self) -> Result<TunTap, OpenError> {
        TunTap::open_with_offload(Kind::Tap, TAP)
    }

    /// Starts the command with this process's standard input, output and error.
    ///
    /// # Errors
    /// Returns [`SandboxError::NotFound`], [`SandboxError::NotExecutable`] or [`SandboxError::Thread`] if the command
    /// cannot be started.
    pub fn start(&self, command: &[OsString]) -> Result<Guest, SandboxError> {
        Guest::start(command)
    }
}

/// Creates tap0 with its addresses in this thread's network namespace. Sets tap0 and the loopback interface up.
pub(crate) fn make_tap() -> Result<(), SandboxError> {
    // The file stays attached until tap0 is up, so that no frame is lost: see `create`.
    let _attached_until_up = create(Kind::Tap, TAP)?;
    quieten(TAP);
    let configure = || {
        let mut netlink = Netlink::open()?;
        let links = netlink.links()?;
        for link in links.iter().filter(|l| l.name == TAP || l.name == "lo") {
            netlink.set_up(link.index, true)?;
        }
        for link in links.iter().filter(|l| l.name == TAP) {
            for (address, prefix_len) in KERNEL.into_iter().chain([ROUTER]) {
                let added = netlink.add_address(link.index, address, prefix_len);
                // The sandbox needs IPv4, but works on a kernel without IPv6.
                if address.is_ipv4() {
                    added?;
                } else if let Err(error) = added {
                    log::warn!("no IPv6 in the sandbox: {error}");
                }
            }
        }
        Ok(())
    };
    configure().map_err(SandboxError::Configure)
}
