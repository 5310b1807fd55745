//! Tests that completion scripts work, and that groff accepts the manual pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::Scratch;
use crate::common::netns;
use crate::common::skip;

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

#[test]
fn bash_completes() {
    let script = script("bash");
    let complete = |words: &[&str]| {
        // At TAB, bash calls the completion function with the words of the line. The function sets COMPREPLY.
        let call = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            function=$(complete -p smolstep | sed 's/.*-F \([^ ]*\) .*/\1/')
            $function smolstep "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; printf '%s\n' "${COMPREPLY[@]}""#;
        let mut bash = Command::new("bash");
        lines(bash.args(["--norc", "--noprofile", "-c", call, "bash", script.path(), "smolstep"]).args(words))
    };
    let commands = complete(&[""]);
    for command in ["apps", "completions", "lab", "man", "sandbox", "serve"] {
        assert!(commands.iter().any(|word| word == command), "{command}: {commands:?}");
    }
    assert_eq!(complete(&["se"]), ["serve"]);
    assert!(complete(&["serve", "--"]).contains(&"--tap".into()));
    assert_eq!(complete(&["serve", "--ta"]), ["--tap"]);
    assert_eq!(complete(&["get", "--loc"]), ["--location"]);
    let mut which = complete(&["serve", "--congestion", ""]);
    which.sort();
    assert_eq!(which, ["cubic", "none", "reno"]);
    let mut shells = complete(&["completions", ""]);
    shells.retain(|word| !word.starts_with('-'));
    shells.sort();
    assert_eq!(shells, ["bash", "fish", "zsh"]);
}

#[test]
fn fish_completes() {
    if !has("fish") {
        return;
    }
    let script = script("fish");
    let complete = |line: &str| {
        let call = format!("source {}; complete -C '{line}'", script.path());
        lines(Command::new("fish").args(["--no-config", "-c", &call]))
    };
    assert!(complete("smolstep se").iter().any(|line| line.starts_with("serve\t")));
    assert!(complete("smolstep serve --ta").iter().any(|line| line.starts_with("--tap\t")));
}

#[test]
fn zsh_reads_its_script() {
    if !has("zsh") {
        return;
    }
    let script = script("zsh");
    lines(Command::new("zsh").args(["-n", script.path()]));
    let load = r#"autoload -U compinit; compinit -u -D; source "$1"; print $+functions[_smolstep] $_comps[smolstep]"#;
    assert_eq!(lines(Command::new("zsh").args(["-f", "-c", load, "zsh", script.path()])), ["1 _smolstep"]);
    let text = fs::read_to_string(script.path()).unwrap();
    assert!(text.contains("--tap=[") && text.contains("'serve:"), "{text}");
}

#[test]
fn each_command_has_a_page_with_its_options() {
    let dir = Folder(Scratch::new("man"));
    // Neither `share` nor `man1` exists yet.
    let pages = dir.path().join("share/man1");
    lines(smolstep(&["man"]).arg(&pages));
    let mut commands = commands();
    assert!(commands.len() >= 11, "{commands:?}");
    commands.insert(0, String::new());
    let mut wanted = Vec::new();
    for command in &commands {
        let name = if command.is_empty() { "smolstep.1".into() } else { format!("smolstep-{command}.1") };
        let page = fs::read_to_string(pages.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains("\n.TH smolstep") && page.contains(concat!("smolstep ", env!("CARGO_PKG_VERSION"))));
        let page = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "");
        let help = lines(smolstep(&[]).args((!command.is_empty()).then_some(command)).arg("--help")).join("\n");
        let options: Vec<&str> = help
            .lines()
            .filter(|line| line.trim_start().starts_with('-'))
            .filter_map(|line| line.split([' ', ',', '=', '[']).find(|word| word.starts_with("--") && word.len() > 2))
            .collect();
        assert!(options.contains(&"--help"), "{command}: {help}");
        for option in options {
            let stands = page.lines().any(|line| line.split([' ', ',']).any(|word| word == option));
            assert!(stands, "{name}: no {option}");
        }
        assert!(!page.contains("EXTRA"), "{name}");
        let mode = fs::metadata(pages.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600, "{name}");
        wanted.push(name);
    }
    wanted.sort();
    assert_eq!(names(&pages), wanted);
    // A second run overwrites the pages.
    lines(smolstep(&["man"]).arg(&pages));
    assert_eq!(names(&pages), wanted);

    if has("groff") {
        for name in wanted {
            let read =
                netns::output(Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8"]).arg(pages.join(&name)));
            let read = read.unwrap();
            assert!(read.status.success() && read.stderr.is_empty(), "{name}: {}", err(&read));
        }
    }
}

/// The user's umask limits the permissions, as for any new file.
#[test]
fn pages_have_the_permissions_of_new_files() {
    let dir = Folder(Scratch::new("umask"));
    lines(Command::new("sh").args(["-c", "umask 022; exec \"$0\" man \"$1\"", SMOLSTEP]).arg(dir.path()));
    let mode = fs::metadata(dir.path().join("smolstep.1")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn a_wrong_argument_is_a_one_line_error() {
    let file = Scratch::new("file");
    fs::write(&file, "").unwrap();
    for (arguments, code, what) in [
        (&["completions"][..], 2, "not provided: <SHELL>"),
        (&["completions", "csh"], 2, "possible values: bash, zsh, fish"),
        (&["completions", "bash", "zsh"], 2, "'zsh'"),
        (&["man"], 2, "not provided: <DIR>"),
        (&["man", ""], 2, "a value is required for '<DIR>'"),
        (&["man", file.path()], 1, "the manual pages cannot be written to /"),
        (&["man", "/proc/nowhere/man1"], 1, "the manual pages cannot be written to /proc/nowhere/man1: "),
    ] {
        let output = netns::output(&mut smolstep(arguments)).unwrap();
        let err = err(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {err}");
        assert!(err.contains(what) && err.lines().count() == 1 && output.stdout.is_empty(), "{arguments:?}: {err}");
    }
    assert_eq!(fs::read(file.path()).unwrap(), b"");
}

#[test]
fn a_full_disk_leaves_no_page() {
    let dir = Folder(Scratch::new("full"));
    fs::create_dir(dir.path()).unwrap();
    // The script mounts a small tmpfs in its own mount namespace.
    let call = r#"mount -t tmpfs -o size=16k tmpfs "$1" || exit 99; "$0" man "$1"; code=$?; ls -A "$1"; exit $code"#;
    let mut unshare = Command::new("unshare");
    let output = netns::output(unshare.args(["-Urm", "sh", "-c", call, SMOLSTEP]).arg(dir.path())).unwrap();
    if output.status.code() == Some(99) || err(&output).starts_with("unshare") {
        return skip("tap", &format!("no user and mount namespaces: {}", err(&output)));
    }
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{}", err(&output));
    assert!(err(&output).contains("No space left on device"), "{}", err(&output));
}

/// Writes the completion script for a shell to a file.
fn script(shell: &str) -> Scratch {
    let file = Scratch::new(shell);
    let output = netns::output(&mut smolstep(&["completions", shell])).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", err(&output));
    fs::write(&file, output.stdout).unwrap();
    file
}

fn smolstep(arguments: &[&str]) -> Command {
    let mut command = Command::new(SMOLSTEP);
    command.args(arguments);
    command
}

/// Returns the commands that `--help` lists.
fn commands() -> Vec<String> {
    let help = lines(&mut smolstep(&["--help"]));
    let listed = help.iter().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let words = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words.filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help").map(String::from).collect()
}

/// Runs a command, and returns its output lines.
///
/// The command must succeed with an empty standard error.
#[track_caller]
fn lines(command: &mut Command) -> Vec<String> {
    let output = netns::output(command).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {}", err(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn has(program: &str) -> bool {
    let found = netns::output(Command::new(program).arg("--version")).is_ok();
    if !found {
        skip(program, &format!("there is no {program}"));
    }
    found
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder that is removed on drop, with its contents.
struct Folder(Scratch);

impl Folder {
    fn path(&self) -> &Path {
        Path::new(self.0.path())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.path());
    }
}
