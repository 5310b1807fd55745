//! The machine that ran the measurements.

use core::fmt;
use std::fs;
use std::thread::available_parallelism;

/// The properties that determine the speed of a machine, if the kernel reports them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// The number of cores for this process.
    pub cores: usize,
    /// The release of the kernel, such as 6.1.0.
    pub kernel: String,
    /// The congestion control of the kernel's TCP, which decides whether the kernel's clients pace their segments.
    pub congestion: String,
    /// The load average over the minute before the measurements.
    pub load: String,
}

impl Machine {
    /// Returns the current properties of this machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        // On some architectures, /proc/cpuinfo has no line `model name`.
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
        write!(f, "{cpu}, {cores} core{s}, Linux {kernel} with {congestion}, load average {load} before the run")
    }
}
