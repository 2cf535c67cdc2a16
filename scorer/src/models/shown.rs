/// A text from a file as messages show it: at most `most` characters, and none that controls a terminal.
pub fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for character in text.chars().take(most) {
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Neither a control character nor one that turns the direction of writing.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_reach_the_terminal_raw() {
        assert_eq!(shown("temp. °C", 80), "temp. °C");
        assert_eq!(shown("a\u{1b}[31mb\n", 80), "a\\u{1b}[31mb\\u{a}");
        assert_eq!(shown("a\u{202e}b", 80), "a\\u{202e}b");
        assert_eq!(shown("abcdef", 3), "abc...");
    }
}
