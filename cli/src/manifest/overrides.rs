//! `--set spec.a.b=value`: values that the command line puts into the manifest.

use serde_json::Value;

use super::node::{Node, Placed};
use super::{Place, Problem, document};

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Step {
    /// A field of a map.
    Field(String),
    /// An entry of a list.
    Entry(usize),
}

/// Puts each of `arguments` into the tree; what cannot be put in is reported.
pub fn apply(root: &mut Placed, arguments: &[String]) -> Vec<Problem> {
    let failed = |argument: &String, message: String| Problem {
        place: Place::Set(argument.clone()),
        field: String::new(),
        message,
    };
    arguments
        .iter()
        .filter_map(|argument| {
            put(root, argument)
                .err()
                .map(|message| failed(argument, message))
        })
        .collect()
}

fn put(root: &mut Placed, argument: &str) -> Result<(), String> {
    let (path, value) =
        split(argument).ok_or("must be path=value, such as spec.sharding.sensorsPerPod=50")?;
    let steps = steps(path)?;
    let place = Place::Set(argument.to_owned());
    let mut value = document::read_value(value)
        .map_err(|reason| format!("the value cannot be read: {reason}"))?;
    value.move_to(&place);
    let mut target = root;
    for step in &steps {
        target = enter(target, step, &place)?;
    }
    *target = value;
    Ok(())
}

/// Splits at the first `=` outside of quotes.
fn split(argument: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = argument.char_indices().find_map(|(position, letter)| {
        quoted ^= letter == '"';
        (letter == '=' && !quoted).then_some(position)
    })?;
    Some((argument.get(..end)?, argument.get(end + 1..)?))
}

/// `spec.a[0].b["c.d"]` as steps.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("`{path}` is not a path; write spec.name, list[0] or labels[\"a.b/c\"]");
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (name, after) = quoted.split_once("\"]").ok_or_else(wrong)?;
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        } else if let Some(numbered) = rest.strip_prefix('[') {
            let (number, after) = numbered.split_once(']').ok_or_else(wrong)?;
            steps.push(Step::Entry(number.parse().map_err(|_| wrong())?));
            rest = after;
        } else {
            let name = if steps.is_empty() {
                rest
            } else {
                rest.strip_prefix('.').ok_or_else(wrong)?
            };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name
                .split_at_checked(end)
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(wrong)?;
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        }
    }
    if steps.is_empty() {
        Err(wrong())
    } else {
        Ok(steps)
    }
}

fn enter<'a>(target: &'a mut Placed, step: &Step, place: &Place) -> Result<&'a mut Placed, String> {
    match step {
        Step::Field(name) => field(target, name, place),
        Step::Entry(position) => {
            let Node::List(items) = &mut target.node else {
                return Err(format!("[{position}]: not in a list"));
            };
            let count = items.len();
            items.get_mut(*position).ok_or_else(|| {
                format!("[{position}]: the list has {count} entries, counted from 0")
            })
        }
    }
}

/// The field `name`, put in where it is absent.
fn field<'a>(target: &'a mut Placed, name: &str, place: &Place) -> Result<&'a mut Placed, String> {
    if target.node == Node::Scalar(Value::Null) {
        target.node = Node::Map(Vec::new());
    }
    let Node::Map(entries) = &mut target.node else {
        return Err(format!("`{name}` is not in a map of fields"));
    };
    let position = entries
        .iter()
        .position(|(other, _)| other == name)
        .unwrap_or(entries.len());
    if position == entries.len() {
        entries.push((
            name.to_owned(),
            Placed {
                place: place.clone(),
                node: Node::Scalar(Value::Null),
            },
        ));
    }
    entries
        .get_mut(position)
        .map(|(_, value)| value)
        .ok_or_else(|| format!("`{name}` cannot be put in"))
}
