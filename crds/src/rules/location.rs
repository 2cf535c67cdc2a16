use serde_json::Value;

use super::rule;

/// A text in which every brace is part of a placeholder or doubled.
const TEMPLATE: &str = concat!(
    r"^([^{}]|[{][{]|[}][}]|[{][A-Za-z_][A-Za-z0-9_-]*[}]",
    r"|[{]window[.](start|end):([^{}%]|%[-_0^#]?[0-9]*[A-Za-z%])+[}])*$"
);

/// The placeholders of the CEL string `text` but the window's, as a CEL list of strings such as `{device}`.
pub(super) fn placeholders(text: &str) -> String {
    format!(
        "{text}.replace('{{{{', '').replace('}}}}', '').findAll('[{{][A-Za-z_][A-Za-z0-9_-]*[}}]')"
    )
}

/// The CEL list of those placeholders that are not keys of a sensor.
pub(super) const BUILT_IN: &str = "['{run}', '{namespace}', '{schedule}']";

/// The placeholders of the CEL string `text` are well formed. A regular expression costs most of a check, so it is asked last.
pub(super) fn template(text: &str, field: &str) -> Value {
    rule(
        format!(
            "(!{text}.contains('{{') && !{text}.contains('}}')) || {text}.matches('{TEMPLATE}')"
        ),
        "a placeholder is {key}, {run}, {namespace}, {schedule}, {window.start:%Y/%m/%d/%H} or {window.end:...}; write a literal brace twice",
        field,
    )
}

/// The rules of every location.
fn url() -> Vec<Value> {
    vec![
        rule(
            "self.startsWith('az://') || self.startsWith('file:///')",
            "must be a URL such as az://container/path or file:///path; abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH and \
             https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH are az://CONTAINER/PATH with storage.azure.account: ACCOUNT",
            "",
        ),
        rule(
            "!self.startsWith('az://') || (self.matches('^az://[a-z0-9](-?[a-z0-9])*(/|$)') && self.matches('^az://[^/]{3,63}(/|$)'))",
            "must name a container after az://: 3 to 63 lower-case letters, digits and single hyphens",
            "",
        ),
        rule(
            "!self.contains('?')",
            "must not hold a question mark: queries are not supported; credentials belong into storage.azure",
            "",
        ),
        template("self", ""),
        rule(
            "!self.contains('..') || !self.matches('(^|/)[.][.](/|$)')",
            "must not hold '..' segments; write the path out",
            "",
        ),
    ]
}

/// The rules of every location, and `more`.
fn url_and(more: impl IntoIterator<Item = Value>) -> Value {
    url().into_iter().chain(more).collect()
}

/// A rule that allows only those placeholders that are the same for every sensor.
fn no_keys(message: &str) -> Value {
    rule(
        format!("{}.all(p, p in {BUILT_IN})", placeholders("self")),
        message,
        "",
    )
}

/// Rules of a URL with placeholders.
pub fn location() -> Value {
    url_and([])
}

/// Rules of a URL prefix, which is the same for every sensor.
pub fn prefix() -> Value {
    url_and([
        rule(
            "self.endsWith('/')",
            "must end in '/', since objects are written below it",
            "",
        ),
        no_keys(
            "holds what every sensor writes, so it may hold {run}, {namespace}, {schedule} and {window...} alone; put the keys into output.file",
        ),
    ])
}

/// Rules of the URL of an object that is the same for every sensor.
pub fn manifest() -> Value {
    url_and([no_keys(
        "names all sensors, so it may hold {run}, {namespace}, {schedule} and {window...} alone",
    )])
}
