//! The options of `smolstep lab`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::lang;
use super::network::NetworkArgs;
use super::output_file::is_stdout;
use super::value::Value;
use crate::cli::error::Failure;
use crate::cli::shell::state;
use crate::cli::values::{duration, positive, whole};
use crate::lab::file;
use crate::lab::lang::Lang;
use crate::lab::run::Goal;
use crate::lab::show::GraphKind;
use crate::lab::tokens::clip;
use crate::lab::{Fault, Line};

/// Run a client and a server on a cable in memory: see both ends, drop a segment, go back, export
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  smolstep lab                                     a greeting, the ladder as it runs
  smolstep lab --step                              the same, a step at a time
  smolstep lab --fault 'drop server synack 1' --explain
  smolstep lab lost-synack --web --open            the same in a browser
  smolstep lab zero-window --pcap zero-window.pcapng
  smolstep lab --print lost-synack >my.lab         a file to start from
  smolstep lab my.lab                              the experiment in a file: docs/lab-file.md
  smolstep lab exercise docs/exercises/01-handshake.lab
  smolstep lab mark docs/exercises/01-handshake.lab answers/")]
pub struct LabArgs {
    /// A program, a scenario that --list shows, or a file: a name with a slash, or ending in .lab or .pkt [default:
    /// greeting]. 'exercise FILE [ANSWERS]' asks a file's questions, and 'mark FILE ANSWERS...' marks files of answers
    #[arg(value_name = "PROGRAM|SCENARIO|FILE")]
    pub what: Option<String>,
    /// The messages that the program's client sends [default: Li, Cheng and victor for greeting, else hello]
    #[arg(value_name = "TEXT")]
    pub texts: Vec<String>,
    /// Use UDP instead of TCP; inbox always uses UDP
    #[arg(long)]
    pub udp: bool,
    /// Stop after each step and read a command; ? lists the commands
    #[arg(long)]
    pub step: bool,
    /// Serve the lab as a page for the browsers of this computer, and print its address. The page closes an hour after the
    /// last request
    #[arg(long)]
    pub web: bool,
    /// Open the page in the browser, too
    #[arg(long, requires = "web")]
    pub open: bool,
    /// Stop at client=STATE, server=STATE, step=N or time=T, as in client=ESTABLISHED [default: at the end]
    #[arg(long, value_name = "WHEN", value_parser = until)]
    pub until: Option<Goal>,
    /// Drop, delay, duplicate, reorder or corrupt frames: 'VERB [ARG] SENDER KIND [N]', as in 'drop server synack 1';
    /// repeatable. The exit code is 1 if a complete run has no such frame [default: none, or the scenario's]
    #[arg(long, value_name = "FAULT", value_parser = fault)]
    pub fault: Vec<Asked>,
    /// Lose this share of the frames at random, as in 10% [default: 0%, or the scenario's]
    #[arg(long, value_name = "PERCENT", value_parser = percent, allow_hyphen_values = true)]
    pub loss: Option<u32>,
    /// The time from sending a frame to its arrival [default: 1ms, or the scenario's]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub latency: Option<Duration>,
    /// Delay frames by up to TIME more, at random [default: 0s, or the scenario's]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub jitter: Option<Duration>,
    /// The cable's rate in bits per second, as in 1Mbit [default: no limit, or the scenario's]
    #[arg(long, value_name = "RATE", value_parser = rate, allow_hyphen_values = true)]
    pub rate: Option<u64>,
    /// The largest IP packet, in bytes, from 576 to 1500 [default: 1500, or the scenario's]
    #[arg(long, value_name = "BYTES", value_parser = whole::<u16>(576..=1500, "576"), allow_hyphen_values = true)]
    pub mtu: Option<u16>,
    /// Options about connections and the network.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How long an acknowledgement waits for data that can carry it; 0 sends the acknowledgement at once [default:
    /// 10ms, or the scenario's]
    #[arg(long, value_name = "TIME", value_parser = time_or_zero, allow_hyphen_values = true)]
    pub ack_delay: Option<Duration>,
    /// The seed of the run's random numbers [default: 7, or the scenario's]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=u64::MAX, "7"), allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Stop a run that lasts longer than VIRTUAL_TIME, with exit code 1 [default: 10min, or the scenario's]
    #[arg(long, value_name = "VIRTUAL_TIME", value_parser = positive, allow_hyphen_values = true)]
    pub limit: Option<Duration>,
    /// Write a capture to FILE, with a comment on each frame; - is standard output, as for other files [default: no capture]
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Write the events to FILE, one JSON object per line [default: no file]
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the ladder to FILE, as SVG with a time axis; further pages go to FILE-2.svg and so on [default: no file]
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draw the state diagram of RFC 9293 to FILE, as SVG, and mark the visited transitions [default: no file]
    #[arg(long, value_name = "FILE")]
    pub states: Option<PathBuf>,
    /// Draw a graph to FILE, as SVG. KIND is time-sequence, cwnd, rtt or throughput; repeatable [default: no file]
    #[arg(long, value_name = "KIND=FILE", value_parser = graph)]
    pub graph: Vec<GraphFile>,
    /// Begin the pictures at this time of the run, as in 1.5s [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = time_or_zero, allow_hyphen_values = true)]
    pub from: Option<Duration>,
    /// End the pictures at this time of the run [default: the end]
    #[arg(long, value_name = "TIME", value_parser = time_or_zero, allow_hyphen_values = true)]
    pub to: Option<Duration>,
    /// Explain each event in a sentence, with the section of the RFC
    #[arg(long)]
    pub explain: bool,
    /// Also show the steps in which only the clock advances
    #[arg(long)]
    pub clock: bool,
    /// Show values of both ends below each step that changes them, as in cwnd,ssthresh,rto. The names are una, nxt,
    /// snd-wnd, rcv-nxt, rcv-wnd, srtt, rttvar, rto, cwnd, ssthresh, dup-acks, retransmission, tail-probe, persist,
    /// time-wait, delayed-ack, keep-alive, user-timeout, unsent, held-by. A timer's value is the time at which it expires
    /// [default: none]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Value::named)]
    pub show: Vec<Value>,
    /// Check the run against the expectations in FILE [default: no check]
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Show only segments, datagrams, changes of state and programs: leave out the clock and ARP
    #[arg(long)]
    pub frames: bool,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
    /// Print the file of a scenario, to start from [default: no file]
    #[arg(long, value_name = "SCENARIO")]
    pub print: Option<String>,
    /// Explain 40 words of TCP, each with its RFC
    #[arg(long)]
    pub terms: bool,
    /// Show which transitions of RFC 9293's state diagram the scenarios reach
    #[arg(long)]
    pub coverage: bool,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// The language of the lab's output: en or zh [default: from LC_ALL, LC_MESSAGES or LANG, else en]
    #[arg(long, value_name = "LANG", value_parser = lang::parse)]
    pub lang: Option<Lang>,
}

/// A fault, as parsed and as written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The fault.
    pub fault: Fault,
    /// The fault's words on the command line.
    pub words: String,
}

/// A graph that the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphFile {
    /// What the graph shows.
    pub kind: GraphKind,
    /// The file.
    pub path: PathBuf,
}

impl LabArgs {
    /// Applies the options of the command line to `line`, the cable between the hosts.
    pub fn line(&self, mut line: Line) -> Line {
        if let Some(time) = self.latency {
            line.latency = time.into();
        }
        if let Some(time) = self.jitter {
            line.jitter = time.into();
        }
        if let Some(mtu) = self.mtu {
            line.mtu = mtu.into();
        }
        line.rate = self.rate.or(line.rate);
        line.loss = self.loss.unwrap_or(line.loss);
        line
    }

    /// Returns whether an option other than `--latency` changes the wire or the hosts' connections.
    pub fn changes_the_wire(&self) -> bool {
        let wire = self.loss.is_some() || self.jitter.is_some() || self.rate.is_some() || self.mtu.is_some();
        wire || !self.fault.is_empty() || self.ack_delay.is_some() || self.network.is_used()
    }

    /// Returns whether an option changes a run, its end, or what is checked or shown in it. `--limit`, `--seed`,
    /// `--explain`, `--frames`, `--clock` and the files to write do not count.
    pub fn changes_the_run(&self) -> bool {
        let stops = self.step || self.until.is_some() || self.expect.is_some() || !self.show.is_empty();
        stops || self.udp || self.latency.is_some() || self.changes_the_wire()
    }

    /// Returns the files that the run writes.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = [&self.pcap, &self.json, &self.svg, &self.states].into_iter().flatten();
        files.chain(self.graph.iter().map(|graph| &graph.path))
    }

    /// Returns the language of the lab's output. Without `--lang`, `--ascii` means English, because no Chinese text is
    /// ASCII.
    pub fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(|| if self.ascii { Lang::En } else { lang::of_locale() })
    }

    /// Returns whether one of the [`files`](Self::files) is `-`, which means standard output.
    pub fn writes_to_stdout(&self) -> bool {
        self.files().any(|file| is_stdout(file))
    }

    /// Checks that the options can be combined.
    ///
    /// # Errors
    /// Fails if two options exclude each other, if an option lacks another that it needs, if `--from` is not before
    /// `--to`, or if a picture's name does not end in .svg. overlap.rs checks that no two files are the same.
    pub fn check(&self) -> Result<(), Failure> {
        // The options that only print something.
        let prints = [self.list, self.coverage, self.terms, self.print.is_some()];
        let print_options = prints.into_iter().filter(|is_given| *is_given).count();
        let changes_appearance = self.explain || self.frames || self.clock;
        let has_run_option =
            self.what.is_some() || self.web || changes_appearance || self.limit.is_some() || self.seed.is_some();
        if print_options > 0 && (has_run_option || self.changes_the_run() || self.files().next().is_some()) {
            return Err(Failure::usage(
                "--list, --print, --coverage and --terms run nothing: leave out options for a run",
            ));
        }
        if print_options > 1 {
            return Err(Failure::usage("--list, --print, --coverage and --terms stand alone: choose one"));
        }
        let graphs = self.graph.iter().map(|graph| ("--graph", &graph.path));
        let pictures = self.svg.iter().map(|file| ("--svg", file)).chain(graphs);
        for (option, file) in pictures.chain(self.states.iter().map(|file| ("--states", file))) {
            if !is_stdout(file) && !is_svg(file) {
                let name = file.display();
                return Err(Failure::usage(format_args!("{option} draws SVG: '{name}' should end in .svg, or be -")));
            }
        }
        if self.ascii && self.lang == Some(Lang::Zh) {
            return Err(Failure::usage("--ascii and --lang zh exclude each other: Chinese is not ASCII"));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Failure::usage("--from should be before --to"));
        }
        if (self.from.is_some() || self.to.is_some()) && self.svg.is_none() && self.graph.is_empty() {
            let what = "--from and --to select part of the pictures: add --svg FILE or --graph KIND=FILE";
            return Err(Failure::usage(what));
        }
        if self.step && self.writes_to_stdout() {
            return Err(Failure::usage("- is standard output, which --step needs itself"));
        }
        Ok(())
    }
}

fn is_svg(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"))
}

/// Parses the value of `--until`.
fn until(text: &str) -> Result<Goal, String> {
    let (kind, value) = text.split_once('=').ok_or("write client=STATE, server=STATE, step=N or time=T")?;
    // The client is host 0, and the server is host 1.
    match kind {
        "client" => state(value).map(|state| Goal::State(Some(0), state)),
        "server" => state(value).map(|state| Goal::State(Some(1), state)),
        "step" => value
            .parse()
            .map(Goal::Step)
            .map_err(|_| format!("'{}' should be a step's number, as in step=40", clip(value))),
        "time" => duration(value).map(|time| Goal::Time(time.into())),
        _ => Err(format!("'{}' should be client, server, step or time", clip(kind))),
    }
}

/// Parses the value of `--graph`.
fn graph(text: &str) -> Result<GraphFile, String> {
    let kinds = GraphKind::NAMES.map(|(name, _)| name).join(", ");
    let (name, file) = text.split_once('=').ok_or_else(|| format!("write KIND=FILE.svg; kinds are {kinds}"))?;
    let kind = GraphKind::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match kind {
        Some(kind) => Ok(GraphFile { kind, path: file.into() }),
        None => Err(format!("'{}' should be one of {kinds}", clip(name))),
    }
}

/// Parses the value of `--fault`.
fn fault(text: &str) -> Result<Asked, String> {
    let fault = Fault::parse(text, |word| duration(word).ok().map(Into::into)).map_err(|error| error.to_string())?;
    Ok(Asked { fault, words: text.into() })
}

/// Parses a percentage, with or without the sign. Returns parts per million.
fn percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    file::percent(&format!("{number}%")).ok_or_else(|| format!("'{}' should be from 0% to 100%, as in 10%", clip(text)))
}

/// Parses the value of `--rate`. Returns bits per second.
fn rate(text: &str) -> Result<u64, String> {
    file::rate(text).ok_or_else(|| format!("'{}' should be like 56kbit, 1Mbit or 1Gbit", clip(text)))
}

/// Parses a duration, or a 0 without a unit.
fn time_or_zero(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { duration(text) }
}
