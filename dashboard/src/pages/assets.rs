//! The style sheet, the script and the icon.

use std::fmt::Write as _;

use fleetscore_scorer::drawing;
use sha2::{Digest, Sha256};

/// The files that pages load, each under a name that changes with its content.
pub struct Assets {
    /// Path of the style sheet.
    pub style: String,
    /// Path of the script.
    pub script: String,
    /// Path of the icon.
    pub icon: String,
    css: String,
}

const SCRIPT: &str = include_str!("../../static/script.js");
const ICON: &str = include_str!("../../static/icon.svg");

impl Default for Assets {
    fn default() -> Self {
        let css = format!("{}{}", drawing::CSS, include_str!("../../static/style.css"));
        Self {
            style: named("style", "css", &css),
            script: named("script", "js", SCRIPT),
            icon: named("icon", "svg", ICON),
            css,
        }
    }
}

impl Assets {
    /// The type and the content of the file at `path`.
    pub fn get(&self, path: &str) -> Option<(&'static str, String)> {
        let files = [
            (&self.style, "text/css; charset=utf-8", self.css.as_str()),
            (&self.script, "text/javascript; charset=utf-8", SCRIPT),
            (&self.icon, "image/svg+xml", ICON),
        ];
        let file = files.into_iter().find(|(own, ..)| *own == path)?;
        Some((file.1, file.2.to_owned()))
    }
}

fn named(name: &str, ending: &str, content: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(content).iter().take(6) {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    format!("/assets/{name}-{hash}.{ending}")
}
