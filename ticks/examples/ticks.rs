//! Answers questions about timetables, one JSON object a line on standard input, for comparison with other implementations.
//!
//! `{"schedule": "0 * * * *", "zone": "Etc/UTC", "at": 0, "after": 2, "until": 1}` is answered with `{"after": [3600, 7200],
//! "until": [0]}`, all in seconds since 1970; a schedule that is refused with `{"error": "..."}`.
#![allow(
    clippy::expect_used,
    reason = "for tests alone: a wrong question ends it"
)]

use std::io::{self, BufRead as _, BufWriter, Write as _};

use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Question {
    schedule: String,
    zone: String,
    at: i64,
    after: usize,
    until: usize,
}

fn main() {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let question = serde_json::from_str(&line).expect("a question is JSON");
        writeln!(out, "{}", answer(&question)).expect("standard output can be written");
    }
}

fn answer(question: &Question) -> Value {
    let timetable = match Timetable::parse(&question.schedule, &question.zone) {
        Ok(timetable) => timetable,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let at = Timestamp::from_second(question.at).expect("an instant within the calendar");
    let after = timetable.after(at).take(question.after);
    let until = timetable.until(at).take(question.until);
    json!({
        "after": after.map(Timestamp::as_second).collect::<Vec<_>>(),
        "until": until.map(Timestamp::as_second).collect::<Vec<_>>(),
    })
}
