use super::subject::{all, any};
use super::{Answer, Rule, Subject, rule};

/// A text in which every brace is part of a placeholder or doubled.
const TEMPLATE: &str = concat!(
    r"^([^{}]|[{][{]|[}][}]|[{][A-Za-z_][A-Za-z0-9_-]*[}]",
    r"|[{]window[.](start|end):([^{}%]|%[-_0^#]?[0-9]*[A-Za-z%])+[}])*$"
);

/// The same.
fn is_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = rest[at..].split_at(1);
        rest = match (after.strip_prefix(brace), after.split_once('}')) {
            (Some(after), _) => after,
            (None, Some((inside, after))) if brace == "{" && is_placeholder(inside) => after,
            _ => return false,
        };
    }
    true
}

fn is_placeholder(inside: &str) -> bool {
    let format = inside
        .strip_prefix("window.start:")
        .or_else(|| inside.strip_prefix("window.end:"));
    format.map_or_else(|| is_key_name(inside), is_time_format)
}

/// Text and conversions such as `%Y` and `%-3d`.
fn is_time_format(format: &str) -> bool {
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        if letter == '{' {
            return false;
        }
        if letter == '%' {
            let flag = ['-', '_', '0', '^', '#'];
            let conversion = rest
                .strip_prefix(flag)
                .unwrap_or(rest)
                .trim_start_matches(|letter: char| letter.is_ascii_digit());
            let is_conversion = |letter: char| letter.is_ascii_alphabetic() || letter == '%';
            match conversion.strip_prefix(is_conversion) {
                Some(after) => rest = after,
                None => return false,
            }
        }
    }
    !format.is_empty()
}

/// The names of keys, as a regular expression.
pub(super) const KEY_NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]*$";

/// The same.
pub(super) fn is_key_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let first = text.bytes().next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') && text.bytes().all(inner)
}

/// The placeholders of the CEL string `text` but the window's, as a CEL list of strings such as `{device}`.
pub(super) fn placeholders(text: &str) -> String {
    format!(
        "{text}.replace('{{{{', '').replace('}}}}', '').findAll('[{{][A-Za-z_][A-Za-z0-9_-]*[}}]')"
    )
}

/// The names in those placeholders.
pub(super) fn placeholder_names(text: &str) -> Vec<String> {
    let text = text.replace("{{", "").replace("}}", "");
    let after_braces = text.split('{').skip(1);
    let insides = after_braces.filter_map(|after| Some(after.split_once('}')?.0));
    insides
        .filter(|inside| is_key_name(inside))
        .map(str::to_owned)
        .collect()
}

/// The CEL list of those placeholders that are not keys of a sensor.
pub(super) const BUILT_IN: &str = "['{run}', '{namespace}', '{schedule}']";

/// Whether `name` is in one of them.
pub(super) fn is_built_in(name: &str) -> bool {
    matches!(name, "run" | "namespace" | "schedule")
}

/// The placeholders of the value's own text, or of that of `field` (such as `.file`), are well formed. A regular expression costs most of
/// a check in CEL, so it is asked last.
pub(super) fn template(field: &'static str) -> Rule {
    let text = format!("self{field}");
    let check = move |subject: Subject<'_>| {
        let text = match field.strip_prefix('.') {
            Some(name) => subject.text_at(name),
            None => subject.text(),
        };
        text.map(is_template)
    };
    rule(
        format!(
            "(!{text}.contains('{{') && !{text}.contains('}}')) || {text}.matches('{TEMPLATE}')"
        ),
        check,
        "a placeholder is {key}, {run}, {namespace}, {schedule}, {window.start:%Y/%m/%d/%H} or {window.end:...}; write a literal brace twice",
        field,
    )
}

/// The rules of every location but those of placeholders.
fn url() -> Vec<Rule> {
    vec![
        rule(
            "self.startsWith('az://') || self.startsWith('file:///')",
            |url| {
                let url = url.text()?;
                Some(url.starts_with("az://") || url.starts_with("file:///"))
            },
            "must be a URL such as az://container/path or file:///path; abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH and \
             https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH are az://CONTAINER/PATH with storage.azure.account: ACCOUNT",
            "",
        ),
        rule(
            "!self.startsWith('az://') || (self.matches('^az://[a-z0-9](-?[a-z0-9])*(/|$)') && self.matches('^az://[^/]{3,63}(/|$)'))",
            |url| {
                let after = url.text()?.strip_prefix("az://");
                Some(after.is_none_or(begins_with_container))
            },
            "must name a container after az://: 3 to 63 lower-case letters, digits and single hyphens",
            "",
        ),
        rule(
            "!self.contains('?')",
            |url| Some(!url.text()?.contains('?')),
            "must not hold a question mark: queries are not supported; credentials belong into storage.azure",
            "",
        ),
        rule(
            "!self.contains('..') || !self.matches('(^|/)[.][.](/|$)')",
            |url| Some(url.text()?.split('/').all(|segment| segment != "..")),
            "must not hold '..' segments; write the path out",
            "",
        ),
    ]
}

fn begins_with_container(path: &str) -> bool {
    let container = path.split('/').next().unwrap_or_default();
    let part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !part.is_empty() && part.bytes().all(allowed)
    };
    (3..=63).contains(&container.len()) && container.split('-').all(part)
}

/// The rules of every location with placeholders, and `more`.
fn url_and(more: impl IntoIterator<Item = Rule>) -> Vec<Rule> {
    let mut rules = url();
    rules.push(template(""));
    rules.extend(more);
    rules
}

fn ends_with_slash() -> Rule {
    rule(
        "self.endsWith('/')",
        |url| Some(url.text()?.ends_with('/')),
        "must end in '/', since objects are written below it",
        "",
    )
}

/// A rule that allows only those placeholders that are the same for every sensor.
fn no_keys(message: &str) -> Rule {
    rule(
        format!("{}.all(p, p in {BUILT_IN})", placeholders("self")),
        |url| {
            let names = placeholder_names(url.text()?);
            Some(names.iter().all(|name| is_built_in(name)))
        },
        message,
        "",
    )
}

/// Rules of a URL with placeholders.
pub fn location() -> Vec<Rule> {
    url_and([])
}

/// Rules of a URL prefix, which is the same for every sensor.
pub fn prefix() -> Vec<Rule> {
    url_and([
        ends_with_slash(),
        no_keys(
            "holds what every sensor writes, so it may hold {run}, {namespace}, {schedule} and {window...} alone; put the keys into output.file",
        ),
    ])
}

/// Rules of a URL prefix without placeholders.
pub fn literal_prefix() -> Vec<Rule> {
    let mut rules = url();
    rules.push(ends_with_slash());
    rules.push(rule(
        "!self.contains('{') && !self.contains('}')",
        |url| Some(!url.text()?.contains(['{', '}'])),
        "must not hold braces: a stream has one location, without placeholders; write the name out",
        "",
    ));
    rules
}

/// Rules of the URL of an object that is the same for every sensor.
pub fn manifest() -> Vec<Rule> {
    url_and([no_keys(
        "names all sensors, so it may hold {run}, {namespace}, {schedule} and {window...} alone",
    )])
}

/// Rules of the URL of an object that tells that the readings of all sensors are there.
pub fn marker() -> Vec<Rule> {
    url_and([
        rule(
            "!self.endsWith('/')",
            |url| Some(!url.text()?.ends_with('/')),
            "is a folder; name the object in it that is written last, such as _SUCCESS",
            "",
        ),
        no_keys(
            "speaks of all sensors, so it may hold {run}, {namespace}, {schedule} and {window...} alone",
        ),
    ])
}

/// Whether each of the keys in placeholders of `text` is known.
pub(super) fn all_keys(text: &str, is_known: impl Fn(&str) -> Answer) -> Answer {
    let names = placeholder_names(text);
    let answers = names
        .iter()
        .map(|name| any([Some(is_built_in(name)), is_known(name)]));
    all(answers)
}
