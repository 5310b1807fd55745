//! Parts that the pictures (SVG 1.1) share: the background, colours, arrowheads and text.

use core::fmt::{self, Write};

/// The width of a character of the font in pixels, rounded up.
pub(super) const CHAR: usize = 7;

pub(crate) const INK: &str = "#222222";
/// A grey that is readable on a white background.
pub(super) const FAINT: &str = "#767676";
pub(crate) const RED: &str = "#c62828";
pub(super) const BLUE: &str = "#1565c0";
pub(super) const ORANGE: &str = "#b35900";

/// Begins a picture: writes its size, its title, a white background, and the font. The caller ends the picture with
/// `</svg>`.
pub(crate) fn open(out: &mut dyn Write, width: usize, height: usize, title: &str) -> fmt::Result {
    write!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" "#)?;
    writeln!(out, r#"viewBox="0 0 {width} {height}" font-family="monospace" font-size="11" fill="{INK}">"#)?;
    writeln!(out, "<title>{title}</title>")?;
    writeln!(out, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##)
}

/// Defines an arrowhead of this colour. Drawings refer to it as `#NAME`.
pub(super) fn tip(out: &mut dyn Write, name: &str, color: &str) -> fmt::Result {
    write!(out, r#"<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" "#)?;
    writeln!(out, r#"markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="{color}"/></marker>"#)
}

/// Draws a cross at the end of the arrow of a lost frame.
pub(super) fn cross(out: &mut dyn Write, x: i32, y: i32) -> fmt::Result {
    let (left, top) = (x - 6, y - 6);
    writeln!(out, r#"<path d="M{left} {top}l12 12m0 -12l-12 12" stroke="{RED}" stroke-width="3"/>"#)
}

/// A writer that escapes the characters that XML reserves.
pub(crate) struct Escaped<'w>(pub(crate) &'w mut dyn Write);

impl Write for Escaped<'_> {
    /// Writes text. The characters `&`, `<` and `>`, which have a meaning in XML, are escaped.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                char => self.0.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "cli"))]
pub(super) mod tests;
