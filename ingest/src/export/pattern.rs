use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Bytes that a pattern may have in the other language.
const MAX_BYTES: usize = 8192;

/// A pattern for Java's regular expressions, which finds in a text what `pattern` finds here.
pub(super) fn java(pattern: &str) -> Result<String, String> {
    let hir = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
    let mut text = String::new();
    write(&hir, &mut text)?;
    if text.len() > MAX_BYTES {
        return Err(format!(
            "the pattern {pattern:?} takes more than {MAX_BYTES} bytes in Java: write [0-9] and [A-Za-z_] in place of \\d and \\w"
        ));
    }
    Ok(text)
}

fn write(hir: &Hir, text: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => *text += "(?:)",
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(letters) => letters.chars().for_each(|letter| push(letter, text)),
            Err(_) => return Err("a pattern of bytes cannot be written in Java".to_owned()),
        },
        HirKind::Class(class) => write_class(class, text)?,
        HirKind::Look(Look::Start) => *text += "\\A",
        HirKind::Look(Look::End) => *text += "\\z",
        HirKind::Look(_) => {
            return Err("of anchors only ^ and $ without flags can be written in Java".to_owned());
        }
        HirKind::Repetition(repetition) => write_repetition(repetition, text)?,
        HirKind::Capture(capture) => group(&capture.sub, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                group(part, text)?;
            }
        }
        HirKind::Alternation(parts) => {
            *text += "(?:";
            for (at, part) in parts.iter().enumerate() {
                *text += if at > 0 { "|" } else { "" };
                write(part, text)?;
            }
            *text += ")";
        }
    }
    Ok(())
}

fn group(hir: &Hir, text: &mut String) -> Result<(), String> {
    *text += "(?:";
    write(hir, text)?;
    *text += ")";
    Ok(())
}

fn write_repetition(repetition: &Repetition, text: &mut String) -> Result<(), String> {
    group(&repetition.sub, text)?;
    let most = repetition
        .max
        .map_or_else(String::new, |most| most.to_string());
    *text += &format!("{{{},{most}}}", repetition.min);
    *text += if repetition.greedy { "" } else { "?" };
    Ok(())
}

fn write_class(class: &Class, text: &mut String) -> Result<(), String> {
    let Class::Unicode(class) = class else {
        return Err("a class of bytes cannot be written in Java".to_owned());
    };
    if class.ranges().is_empty() {
        // Nothing is neither within nor without.
        *text += "(?!)";
        return Ok(());
    }
    *text += "[";
    for range in class.ranges() {
        push(range.start(), text);
        *text += "-";
        push(range.end(), text);
    }
    *text += "]";
    Ok(())
}

/// A letter that means itself.
fn push(letter: char, text: &mut String) {
    if letter.is_ascii_alphanumeric() {
        text.push(letter);
    } else {
        *text += &format!("\\x{{{:x}}}", u32::from(letter));
    }
}
