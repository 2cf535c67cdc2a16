//! A schedule's text and time zone: what the API's rules cannot see, and where in the text a mistake is.

use fleetscore_ticks::{Timetable, TimetableError, time_zone};
use serde_json::Value;

use super::node::Index;
use super::{Place, Problem};

/// A zone that every database holds.
const UTC: &str = "Etc/UTC";

/// Adds what is wrong with the schedule's text and time zone to `problems`, in place of what the rules say of them.
pub fn check(object: &Value, index: &Index, problems: &mut Vec<Problem>) {
    let text = |field: &str| object.pointer(field).and_then(Value::as_str);
    let schedule = text("/spec/schedule").and_then(|text| Timetable::parse(text, UTC).err());
    let zone = text("/spec/timeZone").and_then(|name| time_zone(name).err());
    for error in schedule.into_iter().chain(zone.map(TimetableError::Zone)) {
        let message = error.message();
        let (field, place) = match error.field() {
            Some(field) => {
                let field = format!("spec.{field}");
                let place = index.nearest(&field);
                (field, place)
            }
            None => (String::new(), Place::Unknown),
        };
        problems.retain(|problem| field.is_empty() || problem.field != field);
        problems.push(Problem {
            place,
            field,
            message,
        });
    }
}
