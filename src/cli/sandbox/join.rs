//! Finds a running sandbox and runs another command in it.
//!
//! Each sandbox writes a file into a folder that only the sandbox's user can access. The file's name is the sandbox's
//! process number. The file contains the process's start time, so that another process with the same number is not
//! mistaken for the sandbox.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::error::SandboxError;
use super::guest::{build, cannot_run};

/// Replaces this process with `command` in this user's newest sandbox. Returns only on failure.
pub fn join(command: &[OsString]) -> SandboxError {
    become_command(command).unwrap_or_else(|error| error)
}

/// Replaces this process with `command`. Returns only if an error has prevented the replacement. `Ok` contains an error
/// of `exec`, and `Err` contains an error that occurred before `exec`.
fn become_command(command: &[OsString]) -> Result<SandboxError, SandboxError> {
    let pid = newest(&folder()?).ok_or(SandboxError::NoneRunning)?;
    enter(pid).map_err(SandboxError::Join)?;
    let error = build(command)?.exec();
    Ok(cannot_run(command, error))
}

/// Enters the user namespace and the network namespace of process `pid`.
fn enter(pid: u32) -> io::Result<()> {
    // Open both files first, because this process is not allowed to open them from inside the user namespace.
    let user = File::open(format!("/proc/{pid}/ns/user"))?;
    let net = File::open(format!("/proc/{pid}/ns/net"))?;
    // A sandbox that root has created can lack a user namespace of its own. It is then in the user namespace of this
    // process, which the kernel would refuse to enter again.
    if user.metadata()?.ino() != fs::metadata("/proc/self/ns/user")?.ino() {
        move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User))?;
    }
    move_into_link_name_space(net.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// The file that announces this sandbox. Dropping the entry removes the file.
#[derive(Debug)]
pub(super) struct Entry(PathBuf);

impl Entry {
    /// Announces this sandbox by a file in `folder`. The file's name is this process's number. The file contains this
    /// process's start time, which another process with the same number would not have.
    pub(super) fn write(folder: &Path) -> Result<Entry, SandboxError> {
        let pid = std::process::id();
        let path = folder.join(pid.to_string());
        let started = start_time(pid).ok_or_else(|| io::Error::other("/proc is not readable"));
        match started.and_then(|started| fs::write(&path, started.to_string())) {
            Ok(()) => Ok(Entry(path)),
            Err(e) => Err(SandboxError::State(path, e)),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns the folder that lists this user's sandboxes. Creates the folder if it is absent. Fails if another user could
/// access the folder.
pub(super) fn folder() -> Result<PathBuf, SandboxError> {
    let uid = geteuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_absolute() && p.is_dir());
    let path = match runtime {
        Some(runtime) => runtime.join("smolstep"),
        None => PathBuf::from(format!("/tmp/smolstep-{uid}")),
    };
    match ensure_private(&path, uid) {
        Ok(()) => Ok(path),
        Err(e) => Err(SandboxError::State(path, e)),
    }
}

/// Creates the folder if it is absent. Checks that only user `uid` can access the folder.
fn ensure_private(path: &Path, uid: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // Check the path itself without following a link, because another user could have created a link.
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::other("it is not a folder that only you can use"))
    }
}

/// Returns the process number of the newest running sandbox. Removes the files of sandboxes that are no longer running.
fn newest(folder: &Path) -> Option<u32> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let live = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let announced: u64 = fs::read_to_string(entry.path()).ok()?.trim().parse().ok()?;
        if start_time(pid) == Some(announced) {
            return Some((announced, pid));
        }
        // The process of this sandbox has ended. Another process might have its number now.
        let _ = fs::remove_file(entry.path());
        None
    });
    // The newest process has the latest start time.
    live.max().map(|(_, pid)| pid)
}

/// Returns the start time of process `pid` in clock ticks since boot, or `None` if there is no such process.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the process's name in brackets, which can contain spaces. The start time is field 22, the
    // 20th field after the name.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_newest_running_sandbox_is_found_and_stale_files_are_removed() {
        let folder = std::env::temp_dir().join(format!("smolstep-join-{}", std::process::id()));
        ensure_private(&folder, geteuid().as_raw()).unwrap();
        let me = std::process::id();
        // This process's number with another start time simulates a reused process number.
        fs::write(folder.join(me.to_string()), "1").unwrap();
        assert_eq!(newest(&folder), None);
        assert!(!folder.join(me.to_string()).exists());

        fs::write(folder.join("not a number"), "x").unwrap();
        let entry = Entry::write(&folder).unwrap();
        assert_eq!(newest(&folder), Some(me));
        drop(entry);
        assert_eq!(newest(&folder), None);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// The folder must have mode 0700 and belong to the user.
    #[test]
    fn a_folder_that_others_can_use_is_refused() {
        let folder = std::env::temp_dir().join(format!("smolstep-open-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o755).create(&folder).unwrap();
        assert!(ensure_private(&folder, geteuid().as_raw()).is_err());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(ensure_private(&folder, geteuid().as_raw()).is_ok());
        assert!(ensure_private(&folder, geteuid().as_raw() + 1).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
