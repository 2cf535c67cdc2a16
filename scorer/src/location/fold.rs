use unicode_normalization::UnicodeNormalization;

/// The form that all names have in common which a file system may take for one: without differences of upper and lower case, and of
/// letters in one or two characters (`ü`, `u` and a diaeresis). Azure Files, and the disks of macOS and Windows, make no such difference.
pub fn fold(name: &str) -> String {
    // Upper case first: it joins letters that have more than one lower case.
    name.nfc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_one_name() {
        for (one, other) in [
            ("Pump", "pUMP"),
            ("KÜHLER", "ku\u{308}hler"),
            ("Straße", "STRASSE"),
            ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"),
            ("\u{212A}", "k"),
            ("\u{1E9B}", "\u{1E61}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("pump1"), fold("pump2"));
        assert_ne!(fold("u"), fold("ü"));
    }
}
