use serde_json::{Value, json};

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
pub(super) const BUILT_IN: &str = "['{run}', '{schedule}']";

/// The placeholders of the CEL string `text` are well formed.
pub(super) fn template(text: &str, field: &str) -> Value {
    rule(
        format!("{text}.matches('{TEMPLATE}')"),
        "a placeholder is {key}, {run}, {schedule}, {window.start:%Y/%m/%d/%H} or {window.end:...}; write a literal brace twice",
        field,
    )
}

fn scheme() -> Value {
    rule(
        "self.matches('^(az://[a-z0-9$][a-z0-9-]*(/|$)|file:///|memory:///)')",
        "must be a URL such as az://container/path, file:///path or memory:///path",
        "",
    )
}

fn segments() -> Value {
    rule(
        "!self.matches('(^|/)[.][.](/|$)')",
        "must not hold '..' segments; write the path out",
        "",
    )
}

/// Rules of a URL with placeholders.
pub fn location() -> Value {
    json!([scheme(), template("self", ""), segments()])
}

/// Rules of a URL prefix, which is the same for every sensor.
pub fn prefix() -> Value {
    json!([
        scheme(),
        template("self", ""),
        segments(),
        rule(
            "self.endsWith('/')",
            "must end in '/', since objects are written below it",
            ""
        ),
        rule(
            format!("{}.all(p, p in {BUILT_IN})", placeholders("self")),
            "holds what every sensor writes, so it may hold {run}, {schedule} and {window...} alone; put the keys into output.file",
            "",
        ),
    ])
}

/// Rules of the URL of an object that is the same for every sensor.
pub fn manifest() -> Value {
    json!([
        scheme(),
        template("self", ""),
        segments(),
        rule(
            format!("{}.all(p, p in {BUILT_IN})", placeholders("self")),
            "names all sensors, so it may hold {run}, {schedule} and {window...} alone",
            "",
        ),
    ])
}
