//! The one object that a manifest's text holds.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};

use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::{Error, ExternalMessageSource, MessageFormatter as _, UserMessageFormatter};

use super::node::{self, Node, Placed};
use super::{Place, Problem, encoding};

const TOO_MUCH: &str = "is too large or too deep for a manifest; long lists of sensors belong into the file that \
                        spec.sensors.manifest names";

/// Reads the one object in `bytes`: YAML, of which JSON is a part.
///
/// A list of one object, as `kubectl get` prints it, is that object.
pub fn read(bytes: &[u8]) -> Result<Placed, Vec<Problem>> {
    let text = encoding::text(bytes).map_err(|problem| vec![problem])?;
    let documents = node::read_all(&text).map_err(|error| vec![unreadable(&error)])?;
    let object = only(documents).map_err(|problem| vec![problem])?;
    let problems = duplicates(&object);
    if problems.is_empty() {
        Ok(object)
    } else {
        Err(problems)
    }
}

/// Reads the value of an override.
pub fn read_value(text: &str) -> Result<Placed, String> {
    let value = node::read_one(text).map_err(|error| unreadable(&error).message)?;
    match duplicates(&value).first() {
        None => Ok(value),
        Some(problem) => Err(format!("`{}` stands twice in the value", problem.field)),
    }
}

fn only(documents: Vec<Placed>) -> Result<Placed, Problem> {
    let count = documents.len();
    let kinds: Vec<_> = documents.iter().map(kind).collect();
    let mut documents = documents.into_iter();
    let Some(first) = documents.next() else {
        return Err(whole(
            Place::Unknown,
            "holds no object; a manifest has apiVersion, kind, metadata and spec".to_owned(),
        ));
    };
    if let Some(second) = documents.next() {
        let message = format!(
            "the file holds {count} objects ({}), and a manifest is one; put each into its own file",
            kinds.join(", ")
        );
        return Err(whole(second.place, message));
    }
    match kind(&first).strip_suffix("List") {
        Some("" | "ScoringRun" | "ScoringSchedule" | "ReadingStream") => only_item(first),
        _ => Ok(first),
    }
}

/// The object in the list `list`, where it is alone.
fn only_item(list: Placed) -> Result<Placed, Problem> {
    let (name, place) = (kind(&list), list.place.clone());
    let Node::Map(fields) = list.node else {
        return Err(whole(place, "is no object".to_owned()));
    };
    let items = fields.into_iter().find(|(name, _)| name == "items");
    let Some((
        _,
        Placed {
            node: Node::List(mut items),
            place,
        },
    )) = items
    else {
        return Err(whole(place, format!("is a {name} without items")));
    };
    match (items.len(), items.pop()) {
        (1, Some(item)) => Ok(item),
        (count, _) => Err(Problem {
            place,
            field: "items".to_owned(),
            message: format!(
                "the {name} holds {count} objects, and a manifest is one; put each into its own file"
            ),
        }),
    }
}

/// The kind that an object says it is of.
fn kind(object: &Placed) -> String {
    let kind = object.get("kind").and_then(Placed::text);
    kind.unwrap_or("no kind").to_owned()
}

fn whole(place: Place, message: String) -> Problem {
    Problem {
        place,
        field: String::new(),
        message,
    }
}

/// The names that stand twice in one map, each where it stands again.
fn duplicates(root: &Placed) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut places = HashSet::new();
    node::visit(root, &mut |path, value| {
        let Node::Map(entries) = &value.node else {
            return;
        };
        let mut first = HashMap::new();
        for (name, again) in entries {
            match first.entry(name) {
                Entry::Vacant(place) => drop(place.insert(again)),
                // An alias shows a map in several places.
                Entry::Occupied(first) if places.insert(again.place.clone()) => {
                    found.push(stands_twice(node::below(path, name), first.get(), again));
                }
                Entry::Occupied(_) => {}
            }
        }
    });
    found
}

fn stands_twice(field: String, first: &Placed, again: &Placed) -> Problem {
    let line = match first.place {
        Place::File { line, .. } => format!(", first in line {line}"),
        _ => String::new(),
    };
    Problem {
        place: again.place.clone(),
        field,
        message: format!("stands twice{line}; remove one of the two"),
    }
}

/// What the parser found, in the words of somebody who writes a manifest.
fn unreadable(error: &Error) -> Problem {
    let error = error.without_snippet();
    whole(
        error.location().map_or(Place::Unknown, node::place),
        message(error),
    )
}

fn message(error: &Error) -> String {
    match error {
        Error::ExternalMessage { source, .. } => match &**source {
            ExternalMessageSource::Parser(error) => of_parser(error.kind()),
            _ => error.to_string(),
        },
        Error::AliasError { error, .. } => message(error),
        Error::UnknownAnchor { .. } => {
            "this refers to nothing; a text that begins with `*` must stand in quotes".to_owned()
        }
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_MUCH.to_owned(),
        other => format!(
            "is not YAML: {}",
            UserMessageFormatter.format_message(other)
        ),
    }
}

fn of_parser(kind: &ErrorKind) -> String {
    use ErrorKind as Kind;
    const BRACES: &str =
        "a text that holds braces must stand in quotes, such as \"models/{device}\"";
    match kind {
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabAtBlockScalarStart => {
            "a tab stands where YAML wants spaces; indent with spaces".to_owned()
        }
        Kind::UnclosedQuotedScalar => "the quote that begins here is not closed".to_owned(),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            "this follows a closed quote: a quote is missing before it, or one too many".to_owned()
        }
        Kind::UnclosedFlowCollection { open } => format!("`{open}` is not closed"),
        Kind::MismatchedFlowCollectionEnd { open, close } => {
            format!("`{close}` stands where `{open}` is still to be closed")
        }
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => {
            "a colon is not allowed here; a text that holds `: ` must stand in quotes".to_owned()
        }
        Kind::ExpectedFlowMappingSeparator => {
            format!("a comma or `}}` is missing before this; {BRACES}")
        }
        Kind::ExpectedFlowSequenceSeparator => {
            format!("a comma or `]` is missing before this; {BRACES}")
        }
        Kind::ExpectedBlockMappingKey
        | Kind::ExpectedBlockSequenceEntry
        | Kind::InvalidIndentation => {
            format!(
                "this does not continue what stands above: check how far the lines are indented; {BRACES}"
            )
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            "`name: value` is missing here: a colon, and a space after it".to_owned()
        }
        Kind::UnexpectedCharacter { character } => {
            format!("a text that begins with `{character}` must stand in quotes")
        }
        Kind::RecursionLimitExceeded => TOO_MUCH.to_owned(),
        other => format!("is not YAML: {other}"),
    }
}
