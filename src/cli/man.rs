//! `smolstep man`: writes manual pages, one for smolstep and one for each command.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use tempfile::NamedTempFile;

use super::error::Failure;

/// Write the manual pages: smolstep.1, smolstep-serve.1 and so on
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  smolstep man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write to; created if absent
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the manual pages of `command`. Replaces old pages only after all new pages are written.
///
/// # Errors
/// Fails if the folder cannot be created or written to.
pub fn man(args: &ManArgs, command: clap::Command) -> Result<(), Failure> {
    let dir = &args.dir;
    write(dir, command)
        .map_err(|error| Failure::run(format_args!("the manual pages cannot be written to {}: {error}", dir.display())))
}

/// Writes the manual pages to `dir`. Writes each page to a temporary file first, then renames all files, so that no
/// page is ever incomplete.
fn write(dir: &Path, command: clap::Command) -> io::Result<()> {
    let pages = pages(command)?;
    fs::create_dir_all(dir)?;
    let mut files = Vec::new();
    for (name, page) in pages {
        let mut file = new_file(dir)?;
        file.write_all(page.as_bytes())?;
        files.push((name, file));
    }
    files.into_iter().try_for_each(|(name, file)| file.persist(dir.join(name)).map(drop).map_err(|error| error.error))
}

/// Creates a temporary file with the permissions of an ordinary new file. Without these permissions, only the user
/// could read the page.
fn new_file(dir: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o666)).tempfile_in(dir)
}

/// Returns the file name and the content of each page.
fn pages(command: clap::Command) -> io::Result<Vec<(String, String)>> {
    // The subcommand `help` gets no page.
    let mut command = command.disable_help_subcommand(true);
    // Sets the full name of each command, as in `smolstep serve`.
    command.build();
    let commands: Vec<_> = core::iter::once(&command).chain(command.get_subcommands()).cloned().collect();
    commands
        .into_iter()
        .map(|command| {
            let page = Man::new(command).source(concat!("smolstep ", env!("CARGO_PKG_VERSION"))).manual("smolstep");
            let mut bytes = Vec::new();
            page.render(&mut bytes)?;
            // clap_mangen writes the text after the options, which contains the examples, as a section EXTRA.
            let text = String::from_utf8_lossy(&bytes).replace("\n.SH EXTRA\n", "\n.SH EXAMPLES\n");
            Ok((page.get_filename(), text))
        })
        .collect()
}
