//! A board in QEMU: builds its firmware once, and boots it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use smolstep::app::{APPS, App, Options};
use smolstep::phy::linux::Kind;

use crate::common::firmware::{Settings, boards, boot, build, images};
use crate::common::link::KERNEL;
use crate::common::netns::{delete, in_namespace, make};
use crate::common::peer::Peer;
use crate::common::skip;

/// The number of a board's connection slots.
pub const CONNECTIONS: usize = 8;

/// The address of a board, unless it was built for [`AT_THE_CALLED_ADDRESS`].
pub const BOARD: &str = crate::common::link::SERVER[0];

/// The settings of a board at the address that the client firmware calls.
pub const AT_THE_CALLED_ADDRESS: Settings =
    &[("SMOLSTEP_IP", "192.168.69.100/24"), ("SMOLSTEP_MAC", "02:00:00:00:00:64")];

/// A firmware image that has been built.
#[derive(Clone)]
pub struct Image {
    name: String,
    elf: PathBuf,
}

/// Runs `test` with the firmware of each board, each time in a new namespace with tap0.
///
/// The test is skipped if QEMU or a toolchain is missing. See [`in_namespace`] for `name`.
pub fn on_every_board(name: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, boards(), test);
}

/// One board for each network controller. Long tests run on these boards.
const CONTROLLERS: [&str; 3] = ["lm3s6965evb", "mps2-an385", "virt-rv32"];

/// Runs `test` like [`on_every_board`], but on only one board for each network controller.
pub fn on_every_controller(name: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, CONTROLLERS.map(String::from).into(), test);
}

/// Runs `test` like [`on_every_board`], but with each `-full` firmware.
///
/// This firmware also contains the large programs, chat and http.
pub fn on_every_full_board(name: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, images().into_iter().filter(|image| image.ends_with("-full")).collect(), test);
}

/// Runs `test` like [`on_every_board`], but with one firmware image.
pub fn on_image(name: &str, image: &str, test: impl Fn(&Image) + Send + 'static) {
    on_images(name, vec![image.to_owned()], test);
}

/// Runs `test` with each of the images. The test is skipped if an image cannot be built.
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
    /// Builds a firmware image with `settings`, unless this process has already built it.
    pub fn build(name: &str, settings: Settings) -> Result<Image, String> {
        // The lock serializes the builds of concurrent tests.
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        let built = built.get_or_insert_default().entry((name.to_owned(), settings));
        built.or_insert_with(|| Ok(Image { name: name.to_owned(), elf: build(name, settings)? })).clone()
    }

    /// Boots the image on tap0 and waits until all small programs listen.
    pub fn serve(&self) -> Peer {
        self.boot(&["--tap", "tap0"]).listening(programs())
    }

    /// Boots the image on tap0 and waits until all programs listen, including the large ones.
    pub fn serve_all(&self) -> Peer {
        self.boot(&["--tap", "tap0"]).listening(all_programs())
    }

    /// Boots the image with QEMU's option `-netdev` and waits until all programs listen, including the large ones.
    pub fn serve_all_on(&self, netdev: &str) -> Peer {
        self.boot(&["--netdev", netdev]).listening(all_programs())
    }

    /// Boots the image with QEMU's option `-netdev` and waits until all small programs listen.
    ///
    /// The output of the large programs is ignored.
    pub fn serve_on(&self, netdev: &str) -> Peer {
        self.boot(&["--netdev", netdev]).listening(programs())
    }

    /// Boots the image. The UART is on standard output.
    pub fn boot(&self, arguments: &[&str]) -> Peer {
        boot(&self.elf, arguments)
    }

    /// Returns the path of the ELF file.
    pub fn elf(&self) -> &std::path::Path {
        &self.elf
    }

    /// Returns the name of the image.
    pub fn name(&self) -> &str {
        &self.name
    }
}

type Built = HashMap<(String, Settings), Result<Image, String>>;

/// The results of all builds so far.
static BUILT: Mutex<Option<Built>> = Mutex::new(None);

/// Returns the number of ports on which all programs of a `-full` board listen.
///
/// TCP and UDP ports are counted together.
fn all_programs() -> usize {
    APPS.iter().map(|app| app.tcp.iter().chain(&app.udp).count()).sum()
}

/// Returns the number of ports on which the small programs of a board listen.
///
/// TCP and UDP ports are counted together.
fn programs() -> usize {
    let options = Options::default();
    let count = |app: &App| {
        let tcp = app.tcp.is_some() && app.basic_server(&options).is_some();
        let udp = app.udp.is_some() && app.basic_udp_server(&options).is_some();
        usize::from(tcp) + usize::from(udp)
    };
    APPS.iter().map(count).sum()
}
