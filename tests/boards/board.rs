//! A board: its firmware, built once, and QEMU that runs it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use smolstep::app::{APPS, App, Options};
use smolstep::phy::linux::Kind;

use crate::common::firmware::{Settings, boards, boot, build};
use crate::common::link::KERNEL;
use crate::common::netns::{delete, in_namespace, make};
use crate::common::peer::Peer;
use crate::common::require::skip;

/// How many connections a board has room for.
pub const CONNECTIONS: usize = 8;

/// The address that a board has, unless it was built for [`AT_THE_CALLED_ADDRESS`].
pub const BOARD: &str = crate::common::link::SERVER[0];

/// Where the client firmware calls.
pub const AT_THE_CALLED_ADDRESS: Settings =
    &[("SMOLSTEP_IP", "192.168.69.100/24"), ("SMOLSTEP_MAC", "02:00:00:00:00:64")];

/// A firmware, built.
#[derive(Clone)]
pub struct Image {
    name: String,
    elf: PathBuf,
}

/// Runs `test` with the firmware of each board, in a namespace of its own on tap0, or skips it where that cannot be. See
/// [`in_namespace`] for `name`.
pub fn on_every_board(name: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, boards(), test);
}

/// The same with the firmware that has the large programs, too.
pub fn on_every_full_board(name: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, boards().iter().map(|board| format!("{board}-full")).collect(), test);
}

/// The same with one firmware.
pub fn on_image(name: &str, image: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, vec![image.to_owned()], test);
}

fn on_images(name: &str, images: Vec<String>, test: impl Fn(&Image) + Send + 'static) {
    let images: Result<Vec<Image>, String> = images.iter().map(|image| Image::build(image, &[])).collect();
    match images {
        Ok(images) => in_namespace(name, move || {
            for image in &images {
                eprintln!("{}:", image.name);
                make(Kind::Tap, "tap0", &[(KERNEL[0], 24)]);
                test(image);
                delete("tap0");
            }
        }),
        Err(why) => skip("qemu", &why),
    }
}

impl Image {
    /// Builds a firmware with such settings, unless this process has done so.
    pub fn build(name: &str, settings: Settings) -> Result<Image, String> {
        // Tests that need one wait for each other.
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let built = built.get_or_insert_default().entry((name.to_owned(), settings));
        built.or_insert_with(|| Ok(Image { name: name.to_owned(), elf: build(name, settings)? })).clone()
    }

    /// Boots it on tap0 and waits until all programs listen.
    pub fn serve(&self) -> Peer {
        self.boot(&["--tap", "tap0"]).listening(programs())
    }

    /// The same with the large programs.
    pub fn serve_all(&self) -> Peer {
        let all = APPS.iter().map(|app| app.tcp.iter().chain(&app.udp).count()).sum();
        self.boot(&["--tap", "tap0"]).listening(all)
    }

    /// Boots it on what QEMU calls a netdev and waits until all programs listen.
    pub fn serve_on(&self, netdev: &str) -> Peer {
        self.boot(&["--netdev", netdev]).listening(programs())
    }

    /// Boots it, with the UART on standard output.
    pub fn boot(&self, arguments: &[&str]) -> Peer {
        boot(&self.elf, arguments)
    }

    /// Its ELF file.
    pub fn elf(&self) -> &std::path::Path {
        &self.elf
    }

    /// The firmware's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

type Built = HashMap<(String, Settings), Result<Image, String>>;

/// What has been built so far.
static BUILT: Mutex<Option<Built>> = Mutex::new(None);

/// How many programs a board serves on TCP and UDP together: all but the large ones.
fn programs() -> usize {
    let options = Options::default();
    let count = |app: &App| {
        let tcp = app.tcp.is_some() && app.basic_server(&options).is_some();
        let udp = app.udp.is_some() && app.basic_udp_server(&options).is_some();
        usize::from(tcp) + usize::from(udp)
    };
    APPS.iter().map(count).sum()
}
