use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The first 16 hexadecimal digits of a text's SHA-256.
pub fn digest(text: &str) -> String {
    let mut digits = String::with_capacity(16);
    for byte in Sha256::digest(text.as_bytes()).iter().take(8) {
        // Writing into a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
