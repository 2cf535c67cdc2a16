//! Rules of what a stream's events hold.

use serde_json::{Map, Value};

use super::subject::{all, any, not};
use super::{Answer, Rule, Subject, rule};

/// The names of fields, which filter and expressions speak of.
const FIELD_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,63}$";

/// What CEL keeps for itself.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// That a CEL string is the name of a field.
fn is_field_name_cel(name: &str) -> String {
    let reserved = RESERVED.map(|word| format!("'{word}'")).join(", ");
    format!("({name}.matches('{FIELD_NAME}') && !({name} in [{reserved}]))")
}

/// The same.
fn is_field_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = name.bytes().next();
    let begins = first.is_some_and(|byte| inner(byte) && !byte.is_ascii_digit());
    begins && name.len() <= 64 && name.bytes().all(inner) && !RESERVED.contains(&name)
}

const NAME_REMEDY: &str = "is letters, digits and _ (at most 64, no digit first) and no word of CEL such as in, for or namespace, since \
                           expressions speak of it";

/// Rules of the map of fields.
pub fn field_names() -> Vec<Rule> {
    vec![rule(
        format!("self.all(name, {})", is_field_name_cel("name")),
        |fields| Some(fields.map()?.keys().all(|name| is_field_name(name))),
        format!("a field's name {NAME_REMEDY}; say in its path what it is called in the event"),
        "",
    )]
}

/// Rules of one field.
pub fn field() -> Vec<Rule> {
    vec![
        rule(
            "!has(self.path) || !has(self.expression)",
            |field| any([not(field.has("path")), not(field.has("expression"))]),
            "a field has a path or an expression, not both",
            ".expression",
        ),
        rule(
            "!has(self.path) || !self.path.startsWith('@') || self.path in ['@enqueuedTime', '@key', '@partition', '@offset'] || \
             (self.path.startsWith('@header.') && self.path != '@header.')",
            |field| {
                let known = |path: &str| {
                    let header = path.strip_prefix("@header.");
                    !path.starts_with('@')
                        || ["@enqueuedTime", "@key", "@partition", "@offset"].contains(&path)
                        || header.is_some_and(|name| !name.is_empty())
                };
                any([not(field.has("path")), field.text_at("path").map(known)])
            },
            "beside the event there are @header.NAME, @enqueuedTime, @key, @partition and @offset alone",
            ".path",
        ),
    ]
}

/// Rules of what makes several readings of one.
pub fn unpivot() -> Vec<Rule> {
    let mut rules = vec![rule(
        "self.key != self.value",
        |unpivot| Some(unpivot.at("key")?.0 != unpivot.at("value")?.0),
        "must be another name than unpivot.key",
        ".value",
    )];
    rules.extend(
        [(".key", "self.key"), (".value", "self.value")].map(|(field, text)| {
            rule(
                is_field_name_cel(text),
                move |unpivot| {
                    unpivot
                        .text_at(field.trim_start_matches('.'))
                        .map(is_field_name)
                },
                format!("a field's name {NAME_REMEDY}; choose another one"),
                field,
            )
        }),
    );
    rules
}

/// Rules of an event as a whole.
pub fn event() -> Vec<Rule> {
    let mut rules = formats();
    rules.push(one_list());
    rules.extend(unpivoted());
    rules.extend(column_types());
    rules
}

fn formats() -> Vec<Rule> {
    let only = |field: &'static str, format: &'static str, message| {
        rule(
            format!("!has(self.{field}) || self.format == '{format}'"),
            move |event| {
                let is_format = event.text_at("format").map(|text| text == format);
                any([not(event.has(field)), is_format])
            },
            message,
            if field == "header" {
                ".header"
            } else {
                ".schema"
            },
        )
    };
    vec![
        only(
            "header",
            "Csv",
            "only events in Csv have a header; take it out, or set format to Csv",
        ),
        only(
            "schema",
            "Avro",
            "only events in Avro have a schema; take it out, or set format to Avro",
        ),
        rule(
            "!has(self.header) || self.fields.all(name, has(self.fields[name].expression) || \
             (has(self.fields[name].path) ? (self.fields[name].path.startsWith('@') || self.fields[name].path in self.header) : name in self.header))",
            |event| any([not(event.has("header")), are_in_header(event)]),
            "a field's path is no column of header; correct it, or add the column",
            ".fields",
        ),
    ]
}

/// Whether each field that is a column is one of the header's.
fn are_in_header(event: Subject<'_>) -> Answer {
    let header = event.at("header")?.list()?;
    let named = |name: &str| header.iter().any(|column| column == name);
    all(fields(event)?.iter().map(|(name, field)| {
        let field = Subject(field);
        if field.has("expression")? {
            return Some(true);
        }
        Some(match field.text_at("path") {
            Some(path) => path.starts_with('@') || named(path),
            None => named(name),
        })
    }))
}

fn fields(event: Subject<'_>) -> Option<&Map<String, Value>> {
    event.at("fields")?.map()
}

/// An event makes a reading for each item of one list.
fn one_list() -> Rule {
    // A list of one binds what is used for each element.
    let lists = "self.fields.filter(name, has(self.fields[name].path) && self.fields[name].path.contains('[]'))";
    rule(
        format!(
            "self.format == 'Csv' || [{lists}].all(lists, lists.all(name, self.fields[name].path.split('[]').size() == 2 && \
             self.fields[name].path.split('[]')[0] != '' && \
             (self.fields[name].path.endsWith('[]') || self.fields[name].path.contains('[].')) && \
             self.fields[name].path.startsWith(self.fields[lists[0]].path.split('[]')[0] + '[]')))"
        ),
        |event| {
            any([
                event.text_at("format").map(|format| format == "Csv"),
                is_one_list(event),
            ])
        },
        "an event makes a reading for each item of one list: a path holds [] at most once, after the list's name (`values[].temp`), and all \
         that do name the same list",
        ".fields",
    )
}

fn is_one_list(event: Subject<'_>) -> Answer {
    let paths = fields(event)?
        .values()
        .filter_map(|field| field.get("path")?.as_str());
    let mut first = None;
    for path in paths {
        let Some((list, item)) = path.split_once("[]") else {
            continue;
        };
        let is_item = item.is_empty() || item.starts_with('.');
        let same = *first.get_or_insert(list) == list;
        if list.is_empty() || !is_item || item.contains("[]") || !same {
            return Some(false);
        }
    }
    Some(true)
}

fn unpivoted() -> Vec<Rule> {
    vec![
        rule(
            format!(
                "!has(self.unpivot) || self.unpivot.fields.all(name, {})",
                is_of_cel("name", "Number")
            ),
            |event| {
                let numbers = || {
                    let names = event.at("unpivot.fields")?.list()?.iter();
                    all(names.map(|name| is_of(event, name.as_str()?, "Number")))
                };
                any([not(event.has("unpivot")), numbers()])
            },
            "must be fields of type Number; add them to event.fields",
            ".unpivot.fields",
        ),
        rule(
            "!has(self.unpivot) || (!(self.unpivot.key in self.fields) && !(self.unpivot.value in self.fields))",
            |event| {
                let is_new = |path| Some(!fields(event)?.contains_key(event.text_at(path)?));
                let new = || all([is_new("unpivot.key"), is_new("unpivot.value")]);
                any([not(event.has("unpivot")), new()])
            },
            "makes the fields unpivot.key and unpivot.value, but there is one of that name; choose new names",
            ".unpivot",
        ),
    ]
}

/// Which field holds what.
fn column_types() -> Vec<Rule> {
    let of = |name: &str, kind: &str, made: &str| {
        format!(
            "(has(self.unpivot) && {name} == self.unpivot.{made}) || {}",
            is_of_cel(name, kind)
        )
    };
    vec![
        rule(
            is_of_cel("self.columns.time", "Time"),
            |event| is_of(event, event.text_at("columns.time")?, "Time"),
            "must be a field of type Time; add it to event.fields",
            ".columns.time",
        ),
        rule(
            format!(
                "self.columns.keys.all(key, {})",
                of("self.columns.keys[key]", "Text", "key")
            ),
            |event| {
                let names = event.at("columns.keys")?.map()?.values();
                all(names.map(|name| is_column(event, name, "Text", "unpivot.key")))
            },
            "must be fields of type Text, or unpivot.key; add them to event.fields",
            ".columns.keys",
        ),
        rule(
            format!(
                "self.columns.features.all(name, {})",
                of("name", "Number", "value")
            ),
            |event| {
                let names = event.at("columns.features")?.list()?.iter();
                all(names.map(|name| is_column(event, name, "Number", "unpivot.value")))
            },
            "must be fields of type Number, or unpivot.value; add them to event.fields",
            ".columns.features",
        ),
    ]
}

/// Whether a column is the field that unpivoting makes, or one of a type.
fn is_column(event: Subject<'_>, name: &Value, kind: &str, made: &str) -> Answer {
    let name = name.as_str()?;
    let is_made = || {
        all([
            event.has("unpivot"),
            event.text_at(made).map(|made| made == name),
        ])
    };
    any([is_made(), is_of(event, name, kind)])
}

/// Whether there is a field of a type.
fn is_of(event: Subject<'_>, name: &str, kind: &str) -> Answer {
    match fields(event)?.get(name) {
        Some(field) => {
            let found = Subject(field).text_at("type")?;
            Some(!others(kind).any(|other| other == found))
        }
        None => Some(false),
    }
}

/// The same in CEL.
fn is_of_cel(name: &str, kind: &str) -> String {
    let others: Vec<_> = others(kind).map(|other| format!("'{other}'")).collect();
    format!(
        "({name} in self.fields && !(self.fields[{name}].type in [{}]))",
        others.join(", ")
    )
}

/// The other types: what is none of them either is of the type, or is no type at all, which is told by itself.
fn others(kind: &str) -> impl Iterator<Item = &'static str> {
    let types = ["Text", "Number", "Time", "Boolean"].into_iter();
    types.filter(move |other| *other != kind)
}
