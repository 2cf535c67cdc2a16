//! The readings in a folder and below.

use fleetscore_crds::{Failure, FailureReason};
use fleetscore_storage::{ObjectUrl, Storage};
use futures::StreamExt;

use super::names::is_data;
use super::table::Table;

/// Names that a message lists at most.
const SHOWN: usize = 5;

/// The objects of a folder that are readings, and the names of those that are not.
#[derive(Debug)]
pub struct Contents<T> {
    /// The readings.
    pub data: Vec<T>,
    /// Names below the folder of what is left out, without the empty ones.
    pub left_out: Vec<String>,
}

impl<T> Contents<T> {
    /// Sorts out the objects (URL, bytes) under `location`, which ends in `/`. Errors: they are those of a table, or none of
    /// them holds readings.
    pub fn of(
        location: &str,
        objects: impl IntoIterator<Item = (String, u64, T)>,
    ) -> Result<Self, Failure> {
        let mut contents = Self {
            data: Vec::new(),
            left_out: Vec::new(),
        };
        for (url, size, object) in objects {
            if let Some(table) = Table::of(&url) {
                return Err(Failure {
                    reason: FailureReason::ReadingsUnreadable,
                    message: table.to_string(),
                });
            }
            let path = url.strip_prefix(location).unwrap_or(&url);
            if size == 0 {
                continue;
            }
            if is_data(path) {
                contents.data.push(object);
            } else {
                contents.left_out.push(path.to_owned());
            }
        }
        if contents.data.is_empty() {
            return Err(nothing_under(location, &contents.left_out));
        }
        Ok(contents)
    }
}

/// Some names for a message.
pub fn some_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = if names.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn nothing_under(location: &str, left_out: &[String]) -> Failure {
    let message = if left_out.is_empty() {
        format!(
            "there are no readings under {location}; check spec.input.location{}",
            glob_hint(location)
        )
    } else {
        format!(
            "there are no readings under {location}: what is there does not count by its name ({}); \
             check spec.input.location, or name one file in it",
            some_of(left_out)
        )
    };
    Failure {
        reason: FailureReason::ReadingsNotFound,
        message,
    }
}

/// What to do where a location that leads nowhere is a pattern.
fn glob_hint(location: &str) -> String {
    let Some(star) = location.find(['*', '[']) else {
        return String::new();
    };
    let folder = location
        .get(..star)
        .and_then(|before| before.rsplit_once('/'))
        .map_or("", |(folder, _)| folder);
    format!(": patterns are not expanded, write {folder}/ for all objects in and below it")
}

/// The failure of a location without `/` at its end where no object is; `below` says that there are objects below it.
pub fn no_object(location: &str, below: bool, message: String) -> Failure {
    let message = if below {
        format!(
            "{location} is a folder; end it in a slash in spec.input.location to read what is in and below it: {location}/"
        )
    } else {
        message + &glob_hint(location)
    };
    Failure {
        reason: FailureReason::ReadingsNotFound,
        message,
    }
}

/// Whether there is an object below a location without `/` at its end.
pub async fn has_below(storage: &Storage, location: &ObjectUrl) -> bool {
    let mut below = storage.list(&location.as_prefix());
    matches!(below.next().await, Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_named() {
        assert!(glob_hint("file:///d/in/*.csv").contains("write file:///d/in/ for all"));
        assert_eq!(glob_hint("file:///d/in/a.csv"), "");
    }
}
