//! What a cron expression may say: the grammar of Debian's cron, with `L`, `LW`, `#` and `nL` in the fields for days.
//!
//! Every item is checked here, since the library takes more than this cron has and does not say where a mistake is, and is
//! then written as the library is to read it: numbers for names, ranges for `*` and for `5/10`.

use croner::CronPattern;
use croner::parser::{CronParser, Seconds, Year};

use crate::{CronProblem, Field, TimetableError};

/// The largest step; larger ones never reach a second value.
const LARGEST_STEP: u8 = 59;

/// A checked cron expression.
#[derive(Debug)]
pub(crate) struct Expression {
    /// The library's form. More than one: any of them may match a day.
    pub patterns: Vec<CronPattern>,
    /// Neither the minute's nor the hour's text starts with `*`: it means times of day rather than a rhythm.
    pub fixed: bool,
}

/// A mistake at a byte of the text.
type Mistake = (usize, CronProblem);

/// Checks and reads `text`.
pub(crate) fn parse(text: &str) -> Result<Expression, TimetableError> {
    read(text).map_err(|(at, problem)| TimetableError::Cron {
        column: text.get(..at).unwrap_or(text).chars().count() + 1,
        problem,
    })
}

fn read(text: &str) -> Result<Expression, Mistake> {
    let words = words(text);
    match words[..] {
        [(at, word)] if word.starts_with('@') => fields(expand(word).ok_or_else(|| {
            let text = word.to_owned();
            (at, CronProblem::Macro { text })
        })?),
        [a, b, c, d, e] => fields([a, b, c, d, e]),
        _ => {
            let at = words.get(5).map_or(text.len(), |(at, _)| *at);
            let found = words.len();
            Err((at, CronProblem::Fields { found }))
        }
    }
}

/// The words of `text`, each with its place.
fn words(text: &str) -> Vec<(usize, &str)> {
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
    let patterns = day_lists(day)
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
fn day_lists(items: Vec<String>) -> Vec<String> {
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

/// One item of a field's list.
#[derive(Clone, Copy)]
struct Item<'a> {
    field: Field,
    text: &'a str,
    /// Where the text starts.
    at: usize,
}

impl<'a> Item<'a> {
    fn read(self) -> Result<String, Mistake> {
        if let Some(day) = self.special_day()? {
            return Ok(day);
        }
        let (base, step) = match self.text.split_once('/') {
            Some((base, step)) => (
                self.part(base, 0),
                Some(self.part(step, base.len() + 1).step()?),
            ),
            None => (self, None),
        };
        if step.is_some() && base.special_day()?.is_some() {
            let (field, text) = (self.field, base.text.to_owned());
            return Err((self.at, CronProblem::StepOfOne { field, text }));
        }
        let (first, last) = base.range(step.is_some())?;
        Ok(match step {
            None if first == last => first.to_string(),
            None => format!("{first}-{last}"),
            Some(step) => format!("{first}-{last}/{step}"),
        })
    }

    /// A part of this item that starts `after` its beginning.
    fn part(self, text: &'a str, after: usize) -> Self {
        let at = self.at + after;
        Self { text, at, ..self }
    }

    fn error<T>(self, problem: CronProblem) -> Result<T, Mistake> {
        Err((self.at, problem))
    }

    /// `L`, `LW`, `nL`, `n#k`: days that depend on the month.
    fn special_day(self) -> Result<Option<String>, Mistake> {
        let text = self.text.to_ascii_uppercase();
        match self.field {
            Field::DayOfMonth if text == "L" || text == "LW" => Ok(Some(text)),
            Field::DayOfWeek => {
                if let Some(day) = text.strip_suffix('L')
                    && !day.is_empty()
                    && day.bytes().all(|byte| byte.is_ascii_digit())
                {
                    let day = self.part(day_of(self.text, day), 0).value()?;
                    return Ok(Some(format!("{day}L")));
                }
                let Some((day, nth)) = self.text.split_once('#') else {
                    return Ok(None);
                };
                let value = self.part(day, 0).value()?;
                let nth = self.part(nth, day.len() + 1).nth()?;
                Ok(Some(format!("{value}#{nth}")))
            }
            _ => Ok(None),
        }
    }

    fn nth(self) -> Result<u8, Mistake> {
        match number(self.text) {
            Some(nth @ 1..=5) => Ok(nth),
            _ => {
                let (field, text) = (self.field, self.text.to_owned());
                self.error(CronProblem::Nth { field, text })
            }
        }
    }

    fn step(self) -> Result<u8, Mistake> {
        match number(self.text) {
            Some(step @ 1..=LARGEST_STEP) => Ok(step),
            _ => {
                let (field, text) = (self.field, self.text.to_owned());
                self.error(CronProblem::Step { field, text })
            }
        }
    }

    /// The first and the last value of `*`, `a-b` or `a`; a single value with steps goes on to the field's end.
    fn range(self, stepped: bool) -> Result<(u8, u8), Mistake> {
        let Self { field, text, .. } = self;
        if text == "*" {
            return Ok((field.first(), field.last()));
        }
        let Some((low, high)) = text.split_once('-') else {
            let value = self.value()?;
            return Ok((value, if stepped { field.last() } else { value }));
        };
        let (first, last) = (
            self.part(low, 0).value()?,
            self.part(high, low.len() + 1).value()?,
        );
        if first <= last {
            return Ok((first, last));
        }
        let instead = if field == Field::DayOfWeek && last == 0 {
            format!("{low}-7")
        } else {
            format!("{first}-{},{}-{last}", field.last(), field.first())
        };
        let text = text.to_owned();
        self.error(CronProblem::Backwards {
            field,
            text,
            instead,
        })
    }

    /// A number or a name.
    fn value(self) -> Result<u8, Mistake> {
        let Self { field, text, .. } = self;
        if let Some(value) = field.named(text) {
            return Ok(value);
        }
        match number(text) {
            Some(value) if (field.first()..=field.last()).contains(&value) => Ok(value),
            None if !all_digits(text) => Err(self.not_a_value()),
            _ => {
                let value = text.to_owned();
                self.error(CronProblem::OutOfRange { field, value })
            }
        }
    }

    /// Why the text is not a value: a character of other crons, or something else.
    fn not_a_value(self) -> Mistake {
        let Self { field, text, at } = self;
        let foreign = |character: char, instead| {
            let at = text.find(character).map_or(at, |place| at + place);
            let problem = CronProblem::Foreign {
                field,
                character,
                instead,
            };
            (at, problem)
        };
        let first = text.chars().find(|character| "?+W~".contains(*character));
        match first {
            Some('?') => foreign('?', "write *"),
            Some('+') => foreign(
                '+',
                "a day must match both fields where one of them starts with *",
            ),
            Some('W') if field == Field::DayOfMonth => {
                foreign('W', "LW is the last weekday of the month")
            }
            Some('~') => foreign('~', "spec.spreadSeconds moves the runs"),
            _ => {
                let text = text.to_owned();
                (at, CronProblem::NotAValue { field, text })
            }
        }
    }
}

/// The leading part of `text` as long as `part`.
fn day_of<'a>(text: &'a str, part: &str) -> &'a str {
    text.get(..part.len()).unwrap_or(text)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number of one or two digits.
fn number(text: &str) -> Option<u8> {
    if all_digits(text) && text.len() <= 2 {
        text.parse().ok()
    } else {
        None
    }
}
