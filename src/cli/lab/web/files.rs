//! The files of the page. The program contains the files, so it needs no folder at run time.

/// The files of the page by name, sorted. build.rs makes this list from the folder `web/`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// One of the files of the page.
pub struct File {
    pub media_type: &'static str,
    pub bytes: &'static [u8],
}

/// Returns the file at `path`, which is relative to the page's folder. The empty path is the page itself.
pub fn find(path: &str) -> Option<File> {
    let wanted = if path.is_empty() { "index.html" } else { path };
    let (name, bytes) = FILES.iter().find(|(name, _)| *name == wanted)?;
    Some(File { media_type: media_type(name), bytes })
}

/// Returns the media type for the extension of a file's name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("ico") => "image/vnd.microsoft.icon",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
