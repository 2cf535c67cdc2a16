use super::location::{placeholder_names, placeholders, prefix};
use super::subject::{all, any};
use super::{Rule, Subject, rule};

/// The names of fields, which filter and expressions speak of.
const FIELD_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,63}$";

fn is_field_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= 64
        && name
            .bytes()
            .next()
            .is_some_and(|byte| inner(byte) && !byte.is_ascii_digit())
        && name.bytes().all(inner)
}

/// Rules of the text that says which window is the first.
pub fn start_at() -> Vec<Rule> {
    let time = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$";
    vec![rule(
        format!("self in ['Latest', 'Earliest'] || self.matches('{time}')"),
        |start| {
            let text = start.text()?;
            Some(["Latest", "Earliest"].contains(&text) || is_time(text))
        },
        "must be Latest, Earliest, or a time such as 2026-11-28T09:00:00Z",
        "",
    )]
}

fn is_time(text: &str) -> bool {
    let digits = |part: Option<&str>, pattern: &str| {
        part.is_some_and(|part| {
            part.len() == pattern.len()
                && part.bytes().zip(pattern.bytes()).all(|(byte, like)| {
                    if like == b'0' {
                        byte.is_ascii_digit()
                    } else {
                        byte == like
                    }
                })
        })
    };
    let Some(mut rest) = text
        .get(19..)
        .filter(|_| digits(text.get(..19), "0000-00-00T00:00:00"))
    else {
        return false;
    };
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
        if rest.len() == fraction.len() {
            return false;
        }
    }
    rest == "Z" || digits(Some(rest), "+00:00") || digits(Some(rest), "-00:00")
}

/// Rules of the map of fields.
pub fn field_names() -> Vec<Rule> {
    vec![rule(
        format!("self.all(name, name.matches('{FIELD_NAME}'))"),
        |fields| {
            let names = fields.map()?.keys();
            all(names.map(|name| Some(is_field_name(name))))
        },
        "a field's name is letters, digits and _ (at most 64, no digit first), as expressions need it",
        "",
    )]
}

/// Rules of one field.
pub fn field() -> Vec<Rule> {
    vec![rule(
        "!has(self.path) || !has(self.expression)",
        |field: Subject<'_>| {
            any([
                field.has("path").map(|has| !has),
                field.has("expression").map(|has| !has),
            ])
        },
        "a field has a path or an expression, not both",
        ".expression",
    )]
}

/// Rules of a URL prefix without placeholders.
pub fn literal_prefix() -> Vec<Rule> {
    let mut rules = prefix();
    rules.push(rule(
        format!(
            "{}.size() == 0 && !self.contains('{{window')",
            placeholders("self")
        ),
        |url| {
            let text = url.text()?;
            Some(placeholder_names(text).is_empty() && !text.contains("{window"))
        },
        "a stream has one location, so it holds no placeholders",
        "",
    ));
    rules
}
