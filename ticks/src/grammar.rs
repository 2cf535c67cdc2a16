//! What a cron expression may say: the grammar of Debian's cron, with `L`, `LW`, `#` and `nL` in the fields for days.
//!
//! Every item is checked here, since the library takes more than this cron has and does not say where a mistake is, and is
//! then written as the library is to read it: numbers for names, ranges for `*` and for `5/10`.

use croner::CronPattern;
use croner::parser::{CronParser, Seconds, Year};

use crate::item::{Item, Mistake};
use crate::{CronProblem, Field, TimetableError, other_crons};

/// A checked cron expression.
#[derive(Debug)]
pub(crate) struct Expression {
    /// The library's form. More than one: any of them may match a day.
    pub patterns: Vec<CronPattern>,
    /// Neither the minute's nor the hour's text starts with `*`: it means times of day rather than a rhythm.
    pub fixed: bool,
}

/// Checks and reads `text`.
pub(crate) fn parse(text: &str) -> Result<Expression, TimetableError> {
    read(text).map_err(|(at, problem)| TimetableError::Cron {
        column: text.get(..at).unwrap_or(text).chars().count() + 1,
        problem,
    })
}

fn read(text: &str) -> Result<Expression, Mistake> {
    let words = words(text);
    if let Ok(five) = <[_; 5]>::try_from(words.as_slice()) {
        return fields(five)
            .map_err(|mistake| other_crons::mistake_of_five(text, &words).unwrap_or(mistake));
    }
    if let [(_, word)] = words[..]
        && let Some(five) = expand(word)
    {
        return fields(five);
    }
    Err(other_crons::mistake(text, &words))
}

/// The words of `text`, each with its place.
pub(crate) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    for word in text.split([' ', '\t']) {
        if !word.is_empty() {
            words.push((at, word));
        }
        at += word.len() + 1;
    }
    words
}

fn expand(name: &str) -> Option<[(usize, &'static str); 5]> {
    let fields = match name.to_ascii_lowercase().as_str() {
        "@hourly" => ["0", "*", "*", "*", "*"],
        "@daily" | "@midnight" => ["0", "0", "*", "*", "*"],
        "@weekly" => ["0", "0", "*", "*", "0"],
        "@monthly" => ["0", "0", "1", "*", "*"],
        "@yearly" | "@annually" => ["0", "0", "1", "1", "*"],
        _ => return None,
    };
    Some(fields.map(|field| (0, field)))
}

/// The five fields of an expression, each with its place.
fn fields(texts: [(usize, &str); 5]) -> Result<Expression, Mistake> {
    let mut items = [const { Vec::new() }; 5];
    for ((items, field), (at, text)) in items.iter_mut().zip(Field::ALL).zip(texts) {
        *items = list(field, text, at)?;
    }
    let [minute, hour, day, month, weekday] = items;
    let [minute, hour, month, weekday] = [minute, hour, month, weekday].map(|list| list.join(","));
    let starred = texts.map(|(_, text)| text.starts_with('*'));
    let [star_minute, star_hour, star_day, _, star_weekday] = starred;
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .dom_and_dow(star_day || star_weekday)
        .build();
    let patterns = day_lists(&day)
        .into_iter()
        .map(|day| format!("{minute} {hour} {day} {month} {weekday}"))
        .map(|text| parser.parse(&text).map(|cron| cron.pattern))
        .collect::<Result<_, _>>()
        .map_err(|error| (0, CronProblem::Library(error.to_string())))?;
    Ok(Expression {
        patterns,
        fixed: !star_minute && !star_hour,
    })
}

/// The days of the month as the library reads them: a list may hold `L` or `LW` there, not both.
fn day_lists(items: &[String]) -> Vec<String> {
    let holds = |name: &str| items.iter().any(|item| item == name);
    let without = |name: &str| {
        let kept: Vec<_> = items.iter().filter(|item| *item != name).cloned().collect();
        kept.join(",")
    };
    if holds("L") && holds("LW") {
        vec![without("L"), without("LW")]
    } else {
        vec![items.join(",")]
    }
}

/// The comma-separated items of a field.
fn list(field: Field, text: &str, mut at: usize) -> Result<Vec<String>, Mistake> {
    let mut items = Vec::new();
    for text in text.split(',') {
        if text.is_empty() {
            return Err((at, CronProblem::EmptyItem { field }));
        }
        items.push(Item { field, text, at }.read()?);
        at += text.len() + 1;
    }
    Ok(items)
}
