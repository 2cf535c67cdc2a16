//! What the texts of other crons are called here: Quartz and Spring (seconds, years, `?`), Go's `@every`, a zone before the
//! fields, the rates of clouds.

use crate::CronProblem;
use crate::grammar::{self, words};
use crate::item::Mistake;

/// A word and its place.
type Word<'a> = (usize, &'a str);

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Why `text`, which has not five fields, is none of this cron's.
pub(crate) fn mistake(text: &str, words: &[Word<'_>]) -> Mistake {
    zone(text, words)
        .or_else(|| every(text, words))
        .or_else(|| unknown_word(words))
        .or_else(|| blank(text))
        .unwrap_or_else(|| {
            let at = words.get(5).map_or(text.len(), |(at, _)| *at);
            let (found, advice) = (words.len(), five(text));
            (at, CronProblem::Fields { found, advice })
        })
}

/// Why `text`, whose five fields are wrong, is another cron's; none where only a field is wrong.
pub(crate) fn mistake_of_five(text: &str, words: &[Word<'_>]) -> Option<Mistake> {
    let wrapped = || {
        text.trim()
            .starts_with("cron(")
            .then(|| mistake(text, words))
    };
    zone(text, words).or_else(|| blank(text)).or_else(wrapped)
}

/// A blank that separates nothing: a line break, or the no-break space that browsers copy.
fn blank(text: &str) -> Option<Mistake> {
    let wrong = |letter: &char| letter.is_whitespace() && !matches!(letter, ' ' | '\t');
    let (at, character) = text.char_indices().find(|(_, letter)| wrong(letter))?;
    let name = match character {
        '\n' | '\r' => "a line break",
        '\u{a0}' | '\u{202f}' => "a no-break space",
        _ => "this blank",
    };
    Some((at, CronProblem::Blank { name, character }))
}

/// `CRON_TZ=Europe/Berlin 0 6 * * *`.
fn zone(text: &str, words: &[Word<'_>]) -> Option<Mistake> {
    let (at, word) = *words.first()?;
    let (name, zone) = word.split_once('=')?;
    let known = name.eq_ignore_ascii_case("TZ") || name.eq_ignore_ascii_case("CRON_TZ");
    known.then(|| {
        let rest = text.get(at + word.len()..).unwrap_or_default().trim();
        let problem = CronProblem::Zone {
            text: word.to_owned(),
            zone: zone.to_owned(),
            rest: rest.to_owned(),
        };
        (at, problem)
    })
}

/// `@every 1h30m`, `rate(5 minutes)`.
fn every(text: &str, words: &[Word<'_>]) -> Option<Mistake> {
    let (at, _) = *words.first()?;
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let span = lower.strip_prefix("@every").or_else(|| {
        lower
            .strip_prefix("rate(")
            .map(|rest| rest.trim_end_matches(')'))
    })?;
    let advice = match seconds(span).and_then(rhythm) {
        Some(fields) => format!("write {fields}"),
        None => "write at which minutes and hours, such as 0 */2 * * *".to_owned(),
    };
    let text = text.to_owned();
    Some((at, CronProblem::Every { text, advice }))
}

/// The seconds of `1h30m` or `5 minutes`.
fn seconds(span: &str) -> Option<u64> {
    let span: String = span.split_whitespace().collect();
    let (mut total, mut rest) = (0_u64, span.as_str());
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let end = after
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let unit = match unit {
            "s" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => MINUTE,
            "h" | "hour" | "hours" => HOUR,
            "d" | "day" | "days" => 24 * HOUR,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after;
    }
    Some(total)
}

/// The text that ticks every so many seconds, where there is one: the step starts again with the hour and the day.
fn rhythm(seconds: u64) -> Option<String> {
    let whole = |unit: u64, most: u64| {
        let count = seconds / unit;
        let fits = seconds.is_multiple_of(unit) && count > 0 && most.is_multiple_of(count);
        fits.then_some(count)
    };
    if let Some(minutes) = whole(MINUTE, 60).filter(|minutes| *minutes < 60) {
        return Some(match minutes {
            1 => "* * * * *".to_owned(),
            _ => format!("*/{minutes} * * * *"),
        });
    }
    match whole(HOUR, 24)? {
        1 => Some("@hourly or 0 * * * *".to_owned()),
        24 => Some("@daily or 0 0 * * *".to_owned()),
        hours => Some(format!("0 */{hours} * * *")),
    }
}

/// `@reboot`, `daily`.
fn unknown_word(words: &[Word<'_>]) -> Option<Mistake> {
    let (at, word) = match words {
        [(at, word), ..] if word.starts_with('@') => (*at, *word),
        _ => return None,
    };
    let text = word.to_owned();
    Some((at, CronProblem::Macro { text }))
}

/// The five fields that `text` means, as the end of a message; empty where that is not clear.
fn five(text: &str) -> String {
    let text = text.trim();
    let inner = text
        .strip_prefix("cron(")
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text);
    let inner: Vec<&str> = words(inner).into_iter().map(|(_, word)| word).collect();
    let instead = match inner[..] {
        [word] => Some(named(word)),
        [_, _, _, _, _] => Some(inner.join(" ")),
        [ref fields @ .., year] if fields.len() == 5 && has_year(&inner) => {
            without(None, fields, Some(year))
        }
        [second, ref fields @ ..] if fields.len() == 5 => without(Some(second), fields, None),
        [second, ref fields @ .., year] if fields.len() == 5 => {
            without(Some(second), fields, Some(year))
        }
        _ => None,
    };
    let sound = |text: &String| grammar::parse(text).is_ok();
    match instead.filter(sound) {
        Some(text) => format!("; write {text}"),
        None if inner.len() > 5 && numbered_weekday(&inner) => {
            "; write days of the week as names: Quartz counts from SUN = 1, this cron from 0"
                .to_owned()
        }
        None => String::new(),
    }
}

/// `@daily` for `daily`.
fn named(word: &str) -> String {
    format!("@{}", word.to_ascii_lowercase())
}

/// Whether the last of six fields is the year, as in the clouds' texts, and not the first the second: `?` stands for a day.
fn has_year(six: &[&str]) -> bool {
    let asked = |at: usize| six.get(at) == Some(&"?");
    let year = six.last().is_some_and(|last| {
        last.len() >= 4 && last.bytes().take(4).all(|byte| byte.is_ascii_digit())
    });
    year || asked(2) || asked(4)
}

/// The five fields of a text whose second and year say nothing, without `?`.
fn without(second: Option<&str>, fields: &[&str], year: Option<&str>) -> Option<String> {
    let idle = second.is_none_or(|second| matches!(second, "0" | "00"))
        && year.is_none_or(|year| year == "*");
    let asks = fields.contains(&"?") || year.is_some();
    let numbered = asks && fields.last().is_some_and(|day| has_digit(day));
    (idle && !numbered).then(|| fields.join(" ").replace('?', "*"))
}

/// Whether the day of the week is a number in a text where Quartz and others count differently.
fn numbered_weekday(words: &[&str]) -> bool {
    let day = match words {
        [_, _, _, _, day, _] if has_year(words) => day,
        [_, _, _, _, _, day, ..] => day,
        _ => return false,
    };
    has_digit(day) && (words.contains(&"?") || words.len() == 7)
}

/// Whether a day of the week in the list is a number; that after `#` is none.
fn has_digit(list: &str) -> bool {
    let day = |item: &str| item.split('#').next().unwrap_or_default().to_owned();
    list.split(',')
        .any(|item| day(item).bytes().any(|byte| byte.is_ascii_digit()))
}
