//! The machine that figures are of.

use core::fmt;
use std::fs;
use std::thread::available_parallelism;

/// What of a machine decides how fast it is, as far as the kernel tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many of its cores there are for this process.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// The congestion control of the kernel's TCP, which paces what its clients send or does not.
    pub congestion: String,
    /// How many processes wanted a core, over the minute before.
    pub load: String,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        // Not every architecture's has this line.
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Machine {
            cpu: name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).into(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            congestion: read("/proc/sys/net/ipv4/tcp_congestion_control").trim().into(),
            load: read("/proc/loadavg").split_whitespace().next().unwrap_or("unknown").into(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cpu, cores, kernel, congestion, load } = self;
        let s = if *cores == 1 { "" } else { "s" };
        write!(f, "{cpu}, {cores} core{s}, Linux {kernel} with {congestion}, load {load} before")
    }
}
