//! Writes a run as a ladder on standard output, and to files.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use smoltcp::time::Duration;

use super::args::LabArgs;
use super::file;
use super::output_file::{Text, create, is_stdout, unwritable};
use super::pictures::{GraphOutput, States, Svg};
use super::terms::cited;
use crate::cli::error::Failure;
use crate::cli::output::Output;
use crate::cli::values::duration;
use crate::lab::expect::Expectations;
use crate::lab::file::Experiment;
use crate::lab::lang::Lang;
use crate::lab::messages;
use crate::lab::run::{ControlChanges, Ended, HostLab, Run};
use crate::lab::show::{LabCapture, Ladder, What, explain, write_json_with};
use crate::lab::wrap::wrapped;
use crate::lab::{Snapshot, Wire};
use crate::stack::Control;
use crate::trace::IoSink;

/// Prints the ladder on standard output.
pub struct Shown {
    ladder: Ladder,
    explain: bool,
    /// Whether to hide the steps of the clock, and the frames that look up hardware addresses.
    frames: bool,
    /// Whether the header has been printed.
    headed: bool,
    /// Whether a row of the clock has been explained. All rows of the clock have the same explanation.
    clock_explained: bool,
    /// Whether the steps in which only the clock advances are shown.
    pub clock: bool,
    /// Whether nothing is printed, because a file is written to standard output.
    quiet: bool,
    fault: Option<io::Error>,
}

/// Returns the number of columns of the terminal. Without a terminal, returns the environment variable COLUMNS, or else
/// 80.
pub fn width() -> usize {
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if io::stdout().is_terminal() && columns > 0 {
        return columns;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    columns.filter(|&columns| columns > 0).unwrap_or(80)
}

/// Returns whether to use colours on standard output.
fn colored() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Shown {
    /// Returns a printer of a ladder that is [`width`] columns wide. All options are off.
    pub fn new(lang: Lang) -> Self {
        let ladder = Ladder { width: width(), ascii: false, color: colored(), lang };
        Shown {
            ladder,
            explain: false,
            frames: false,
            headed: false,
            clock_explained: false,
            clock: false,
            quiet: false,
            fault: None,
        }
    }

    /// Returns a printer of a ladder with the options of the command line.
    pub fn of(args: &LabArgs) -> Self {
        let plain = Shown::new(args.lang());
        Shown {
            ladder: Ladder { ascii: args.ascii, ..plain.ladder },
            explain: args.explain,
            frames: args.frames,
            clock: args.clock,
            quiet: args.writes_to_stdout(),
            ..plain
        }
    }

    /// Prints the ladder's row for an entry, if the entry has one, and the explanation if requested.
    pub fn print_row(&mut self, snapshot: &Snapshot) {
        // `--frames` hides the clock and the frames that look up hardware addresses.
        if self.frames && snapshot.entry.what.is_background() {
            return;
        }
        let is_clock = matches!(snapshot.entry.what, What::Clock);
        // Without `--clock`, steps in which only the clock advances are hidden.
        if is_clock && !self.clock {
            return;
        }
        let row = self.ladder.row(snapshot);
        // All clock rows have the same explanation, so only the first one is explained.
        let why = explain(snapshot).filter(|_| self.explain && !(is_clock && self.clock_explained));
        self.clock_explained |= is_clock;
        // The header is printed once, before the first row.
        if (row.is_some() || why.is_some()) && !self.headed {
            self.headed = true;
            let header = self.ladder.header().to_string();
            self.say(&header);
        }
        if let Some(row) = row {
            self.say(&row.to_string());
        }
        if let Some(why) = why {
            let text = cited(&why.whole(self.ladder.lang).to_string(), why.rfc, self.ladder.lang);
            for line in wrapped(&text, self.ladder.width.max(NARROWEST) - INDENT) {
                self.say(&format!("{:INDENT$}{line}", ""));
            }
        }
    }

    /// Returns the language of the output.
    pub fn lang(&self) -> Lang {
        self.ladder.lang
    }

    /// Returns the ladder's appearance.
    pub fn ladder(&self) -> Ladder {
        self.ladder
    }

    /// Prints a line, unless a file is written to standard output. Keeps the first error for [`flush`](Self::flush).
    pub fn say(&mut self, line: &str) {
        if self.quiet {
            return;
        }
        if let Err(error) = writeln!(io::stdout(), "{line}") {
            self.fault.get_or_insert(error);
        }
    }

    /// Prints the programs' output, and returns the first error of standard output.
    ///
    /// # Errors
    /// Fails if standard output has failed.
    pub fn finish(mut self, ended: &Ended) -> Result<(), Failure> {
        let lang = self.ladder.lang;
        let headings =
            [lang.pick("The client printed:", "客户输出："), lang.pick("The server printed:", "服务器输出：")];
        for (heading, printed) in headings.iter().zip(&ended.printed) {
            if !printed.is_empty() && !self.quiet {
                self.say(&format!("\n{heading}"));
                if let Err(error) = Output::new().print(printed) {
                    self.fault.get_or_insert(error);
                }
            }
        }
        self.flush()
    }

    /// Returns the first error of standard output.
    ///
    /// # Errors
    /// Fails if standard output has failed.
    pub fn flush(self) -> Result<(), Failure> {
        // If the last line has no line end, standard output still buffers this line.
        let flushed = io::stdout().flush();
        match self.fault.or(flushed.err()) {
            None => Ok(()),
            Some(error) => Err(Failure::output(error)),
        }
    }
}

/// The width of the indentation of an explanation, in columns.
const INDENT: usize = 6;

/// The smallest number of columns for which explanations are wrapped. In a narrower terminal, they are wrapped as if
/// the terminal had this number of columns.
const NARROWEST: usize = 40;

type FileCapture = LabCapture<IoSink<BufWriter<Box<dyn Write>>>>;

/// The expectations to check and the files to which a run is written.
#[derive(Default)]
pub struct Outputs {
    json: Option<Text>,
    pcap: Option<Pcap>,
    svg: Option<Svg>,
    graphs: Vec<GraphOutput>,
    states: Option<States>,
    pub(super) expect: Option<Expected>,
    changes: ControlChanges,
}

/// A capture of the frames. The first write error is kept, and `finish` returns it.
struct Pcap {
    path: PathBuf,
    capture: FileCapture,
    fault: Option<io::Error>,
}

/// The expectations of a file or a scenario, and the result of the check so far.
pub struct Expected {
    name: String,
    pub(super) expectations: Expectations,
}

impl Outputs {
    /// Creates the files that the command line names, and reads the expectations of --expect. Call this method before
    /// the run. Times given in round trips depend on `latency`, the latency of the wire.
    ///
    /// # Errors
    /// Fails if a file cannot be written, or if the expectations cannot be read.
    pub fn create(args: &LabArgs, latency: Duration) -> Result<Self, Failure> {
        // Invalid expectations are reported before any file is emptied.
        let expect = args.expect.as_deref().map(|path| Expected::read(path, latency)).transpose()?;
        check_writable(args.files())?;
        Ok(Outputs {
            json: args.json.as_deref().map(Text::create).transpose()?,
            pcap: args.pcap.as_deref().map(Pcap::create).transpose()?,
            svg: args.svg.as_deref().map(|path| Svg::create(path, args)).transpose()?,
            graphs: args.graph.iter().map(|asked| GraphOutput::create(asked, args)).collect::<Result<_, _>>()?,
            states: args.states.as_deref().map(|path| States::create(path, args)).transpose()?,
            expect,
            changes: ControlChanges::default(),
        })
    }

    /// Writes one entry of the run to the files, and checks the expectations.
    pub fn record(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) {
        // The TCP variables are collected here only for JSON. Graphs that need them read `lab` below.
        let holds = if self.json.is_some() { self.changes.after(snapshot, lab) } else { [None; 2] };
        self.write(snapshot, &lab.wire, holds);
        self.graphs.iter_mut().for_each(|graph| graph.take_control(snapshot, lab));
        if let Some(expected) = &mut self.expect {
            expected.see(snapshot, lab);
        }
    }

    /// Writes one entry of a run to the files. `holds` contains the TCP variables of each host, or `None` for a host
    /// whose variables are not to be written.
    pub fn write(&mut self, snapshot: &Snapshot, wire: &Wire, holds: [Option<Control>; 2]) {
        if let Some(json) = &mut self.json {
            // `Text` keeps a write error until `finish`.
            let _ = write_json_with(json, snapshot, holds);
        }
        if let Some(Pcap { capture, fault, .. }) = &mut self.pcap
            && let Err(error) = capture.note(snapshot, wire)
        {
            fault.get_or_insert(error);
        }
        if let Some(svg) = &mut self.svg {
            svg.take(snapshot);
        }
        self.graphs.iter_mut().for_each(|graph| graph.take(snapshot));
        if let Some(states) = &mut self.states {
            states.take(snapshot);
        }
    }

    /// Completes the files, and checks the expectations of --expect.
    ///
    /// # Errors
    /// Fails if a file is not complete, or if an expectation is not met.
    pub fn finish(&mut self) -> Result<(), Failure> {
        if let Some(json) = self.json.take() {
            json.finish()?;
        }
        if let Some(svg) = self.svg.take() {
            svg.finish()?;
        }
        self.graphs.drain(..).try_for_each(GraphOutput::finish)?;
        if let Some(states) = self.states.take() {
            states.finish()?;
        }
        if let Some(Pcap { path, capture, fault }) = self.pcap.take() {
            let finished = capture.finish().map(drop);
            fault.map_or(finished, Err).map_err(|error| unwritable(&path, &error))?;
        }
        self.expect.as_ref().map_or(Ok(()), Expected::result)
    }
}

/// Saves a capture of `run`, from the start to step `upto`.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn save(run: &Run<'_>, upto: u32, path: &Path) -> Result<(), Failure> {
    let mut outputs = Outputs { pcap: Some(Pcap::create(path)?), ..Outputs::default() };
    run.record(Some(upto), &mut |snapshot, lab| outputs.record(snapshot, lab)).map_err(Failure::usage)?;
    outputs.finish()
}

impl Pcap {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = create(path)?;
        let capture = LabCapture::new(IoSink(BufWriter::new(file)), 2).map_err(|error| unwritable(path, &error))?;
        Ok(Pcap { path: path.into(), capture, fault: None })
    }
}

impl Expected {
    /// Reads expectations from the file at `path`. Times given in round trips depend on `latency`, the latency of the
    /// wire.
    fn read(path: &Path, latency: Duration) -> Result<Self, Failure> {
        let (name, text) = (path.display().to_string(), file::read(path)?);
        let time = |word: &str| duration(word).ok().map(Into::into);
        let expectations = Expectations::parse_for(&text, latency, time)
            .map_err(|error| Failure::in_file(file::GUIDE, format_args!("{name}:{error}")))?;
        if expectations.verdicts().next().is_none() {
            return Err(Failure::in_file(
                file::GUIDE,
                format_args!("{name} expects nothing: write a line such as 'server retransmits synack 1 within 3s'"),
            ));
        }
        Ok(Expected { name, expectations })
    }

    /// Returns the expectations of an experiment. Error messages call it `name`.
    pub fn of(name: String, experiment: &Experiment, latency: Duration) -> Self {
        Expected { name, expectations: experiment.expectations(latency) }
    }

    /// Compares an entry of the run with the expectations.
    pub fn see(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) {
        self.expectations.see(snapshot, lab.wire.last_received());
    }

    /// Returns a line for each expectation, with its verdict.
    pub fn verdicts(&self, lang: Lang) -> impl Iterator<Item = String> {
        self.expectations.verdicts().map(move |(line, text, holds)| {
            let verdict = if holds { "holds" } else { "does not hold" };
            messages::in_lang(&format!("{}: line {line} {verdict}: {text}", self.name), lang)
        })
    }

    /// Checks that every expectation is met.
    ///
    /// # Errors
    /// The error names the first line whose expectation is not met.
    pub fn result(&self) -> Result<(), Failure> {
        self.expectations.result().map_err(|unmet| Failure::run(format_args!("{}: {unmet}", self.name)))
    }
}

/// Checks that every file can be written, before any file is truncated. Creates missing files. After an error, removes
/// the files that this call has created.
fn check_writable<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> Result<(), Failure> {
    let mut made: Vec<&Path> = Vec::new();
    for path in paths.filter(|path| !is_stdout(path)) {
        let is_new = !path.exists();
        // Opening a file to append to it creates the file, but does not truncate it.
        if let Err(error) = File::options().append(true).create(true).open(path) {
            for path in made {
                // A file that cannot be removed stays, but is empty.
                let _ = std::fs::remove_file(path);
            }
            return Err(unwritable(path, &error));
        }
        if is_new {
            made.push(path);
        }
    }
    Ok(())
}
