//! The output of `get`: a file is complete or absent, and the reader of a pipe can stop reading or exit.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};

use super::rig::*;
use crate::common::link::on_tap;
use crate::common::netns::spawn;
use crate::common::peer::{Peer, python, smolstep};

const HELLO: &str = "b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello'";
const LONG: &str = "b'HTTP/1.1 200 OK\\r\\nContent-Length: 20000000\\r\\n\\r\\n' + b'x' * 20000000";

#[test]
fn a_new_file_replaces_an_old_one() {
    on_tap("files::a_new_file_replaces_an_old_one", |link| {
        let home = folder("place");
        let (file, alias) = (home.join("file"), home.join("alias"));
        let url = Scripted::on_ipv4();
        let hello = url.url(HELLO, Then::Close);
        fs::write(&file, "longer than what comes").unwrap();
        symlink("file", &alias).unwrap();
        // The umask is usually 022 and would remove a permission of the second mode.
        for mode in [0o640, 0o666] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            went_well(&get(link, &[&hello, "-o", alias.to_str().unwrap()]));
            assert_eq!(
                (fs::read(&file).unwrap(), names(&home)),
                (b"hello".into(), vec!["alias".into(), "file".into()])
            );
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, mode);
        }
        assert!(fs::symlink_metadata(&alias).unwrap().is_symlink());

        // If a symbolic link is dangling, `get` creates its target.
        let (made, dangling) = (home.join("made"), home.join("dangling"));
        symlink("made", home.join("between")).unwrap();
        symlink(home.join("between"), &dangling).unwrap();
        went_well(&get(link, &[&hello, "-o", dangling.to_str().unwrap()]));
        assert_eq!(fs::read(&made).unwrap(), b"hello");
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());

        let fresh = home.join("fresh");
        went_well(&get(link, &["-i", &hello, "-o", fresh.to_str().unwrap()]));
        assert!(fs::read(&fresh).unwrap().ends_with(b"\r\n\r\nhello"));
        let beside = home.join("beside");
        fs::write(&beside, "").unwrap();
        let mode = |file| fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode(&fresh), mode(&beside), "as any program makes it");
    });
}

#[test]
fn an_unwritable_file_is_a_one_line_error() {
    on_tap("files::an_unwritable_file_is_a_one_line_error", |link| {
        let home = folder("unwritable");
        let server = Scripted::on_ipv4();
        let hello = server.url(HELLO, Then::Close);
        let long = "x".repeat(300);
        for (file, why) in [
            ("missing/file", "there is no directory"),
            (".", "is a directory"),
            (long.as_str(), "File name too long"),
            ("\u{1b}[31m/file", "\\u{1b}[31m"),
        ] {
            let got = get(link, &[&hello, "-o", home.join(file).to_str().unwrap()]);
            failed(&got, why);
            assert!(names(&home).is_empty() && !server.peer.out().contains("asked"), "{file:?}");
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" >/dev/full", "sh", env!("CARGO_BIN_EXE_smolstep")]);
        let full = Peer::start(command(&mut shell, link, &[&hello])).finish();
        failed(&full, "standard output: No space left on device");
    });
}

#[test]
fn a_named_pipe_is_not_replaced() {
    on_tap("files::a_named_pipe_is_not_replaced", |link| {
        let pipe = folder("pipe").join("pipe");
        let made = Peer::start(Command::new("mkfifo").arg(&pipe)).finish();
        assert_eq!(made.code(), Some(0), "{made:?}");
        let server = Scripted::on_ipv4();
        let to_pipe = [&server.url(HELLO, Then::Close), "-o", pipe.to_str().unwrap()];
        failed(&get(link, &to_pipe), "No such device or address");
        let mut reader = File::options().read(true).custom_flags(NONBLOCK).open(&pipe).unwrap();
        went_well(&get(link, &to_pipe));
        let mut came = String::new();
        reader.read_to_string(&mut came).unwrap();
        assert_eq!(came, "hello");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        for output in ["-", "/dev/stdout"] {
            assert_eq!(get(link, &[to_pipe[0], "-o", output]).out(), "hello");
        }
    });
}

const NONBLOCK: i32 = OFlags::NONBLOCK.bits().cast_signed();

#[test]
fn a_full_disk_is_a_one_line_error_and_leaves_no_file() {
    on_tap("files::a_full_disk_is_a_one_line_error_and_leaves_no_file", |link| {
        let home = folder("full");
        let server = Scripted::on_ipv4();
        let url = server.url(LONG, Then::Close);
        let listing = "mount -t tmpfs -o size=1m none \"$1\" || exit 99; echo kept >\"$1/page\"; shift; \
                       \"$@\"; echo $? $(ls -A \"$0\") $(cat \"$0/page\")";
        let folder = home.to_str().unwrap();
        let page = format!("{folder}/page");
        let mut shell = Command::new("unshare");
        shell.args(["-m", "sh", "-c", listing, folder, folder, env!("CARGO_BIN_EXE_smolstep")]);
        let ended = Peer::start(command(&mut shell, link, &[&url, "-o", &page])).finish();
        assert_eq!(ended.out(), "1 page kept\n", "{ended:?}");
        assert_eq!(ended.err(), format!("smolstep: {page}: No space left on device (os error 28)\n"));
    });
}

#[test]
fn ctrl_c_leaves_no_file() {
    on_tap("files::ctrl_c_leaves_no_file", |link| {
        let home = folder("interrupted");
        let server = Scripted::on_ipv4();
        let url = server.url("b'HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhello'", Then::Hold);
        for before in [&[][..], &["page"]] {
            before.iter().for_each(|name| fs::write(home.join(name), "kept").unwrap());
            let started = start(link, &[&url, "-o", home.join("page").to_str().unwrap(), "-i"]);
            // The client creates its temporary file before it sends the request.
            server.peer.wait_for("request", |out| out.matches("asked").count() > before.len());
            assert_eq!(names(&home).len(), before.len() + 1);
            started.interrupt();
            failed(&started.finish(), "interrupted");
            assert_eq!(names(&home), before);
        }
        assert_eq!(fs::read(home.join("page")).unwrap(), b"kept");
    });
}

#[test]
fn a_closed_pipe_is_a_silent_exit() {
    on_tap("files::a_closed_pipe_is_a_silent_exit", |link| {
        let server = Scripted::on_ipv4();
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" | head -c 1000 | wc -c", "sh", env!("CARGO_BIN_EXE_smolstep")]);
        let ended = Peer::start(command(&mut shell, link, &[&server.url(LONG, Then::Close)])).finish();
        assert_eq!((ended.out().trim(), ended.err().as_str()), ("1000", ""));
    });
}

#[test]
fn a_blocked_pipe_blocks_neither_the_stack_nor_ctrl_c() {
    on_tap("files::a_blocked_pipe_blocks_neither_the_stack_nor_ctrl_c", |link| {
        let server = Scripted::on_ipv4();
        let url = server.url(LONG, Then::Close);
        let mut program = smolstep();
        command(&mut program, link, &[&url]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(&mut program).unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 10]).unwrap();
        // The rest of the body does not fit in the pipe, so `get` is blocked. Its stack still answers pings.
        let ping = Peer::start(Command::new("ping").args(["-c", "2", "-i", "0.2", "192.168.69.2"])).finish();
        assert_eq!(ping.code(), Some(0), "{ping:?}");
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert!(err.ends_with(": interrupted\n") && err.matches('\n').count() == 1, "{err}");
    });
}

#[test]
fn a_slow_reader_receives_everything() {
    on_tap("files::a_slow_reader_receives_everything", |link| {
        let server = Scripted::on_ipv4();
        let mut shell = Command::new("sh");
        // The reader starts only after the pings, when the pipe is full and the server is blocked.
        let script = "\"$@\" | { ping -c 2 -i 0.2 192.168.69.2 >/dev/null; wc -c; }";
        shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_smolstep")]);
        let ended = Peer::start(command(&mut shell, link, &["-i", &server.url(LONG, Then::Close)])).finish();
        went_well(&ended);
        assert_eq!(ended.out().trim(), "20000045");
    });
}

#[test]
fn progress_is_shown_only_at_a_terminal() {
    on_tap("files::progress_is_shown_only_at_a_terminal", |link| {
        let home = folder("progress");
        let server = Scripted::on_ipv4();
        let (url, file) = (server.url(LONG, Then::Close), home.join("file"));
        let arguments = [url.as_str(), "-o", file.to_str().unwrap()];
        let mut python = python::command("pseudo_terminal");
        python.arg(env!("CARGO_BIN_EXE_smolstep"));
        let shown = Peer::start(command(&mut python, link, &arguments)).finish();
        assert_eq!(shown.code(), Some(0), "{shown:?}");
        assert!(shown.out().contains("of 19.07 MiB"), "{:?}", shown.out());
        // On a narrow terminal, the progress display is shortened to one line, so that the cursor never has to move up.
        let mut python = python::command("pseudo_terminal");
        let narrow = ["sh", "-c", "stty cols 20; exec \"$@\"", "sh"];
        python.args(narrow).arg(env!("CARGO_BIN_EXE_smolstep"));
        let shown = Peer::start(command(&mut python, link, &arguments)).finish();
        let up =
            shown.out().split("\x1b[").skip(1).any(|text| text.trim_start_matches(char::is_numeric).starts_with('A'));
        assert!(shown.out().contains("MiB") && !shown.out().contains("left") && !up, "{:?}", shown.out());
        assert_eq!(fs::metadata(&file).unwrap().len(), 20_000_000);
        went_well(&get(link, &arguments));
    });
}
