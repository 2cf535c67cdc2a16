use fleetscore_crds::{SensorKey, Window};
use jiff::{Timestamp, tz::TimeZone};
use thiserror::Error;

use super::{decode_value, encode_value};

mod pattern;
mod split;

pub use pattern::{Letters, Pattern, Piece};

/// A location with placeholders: `az://models/{run}/model_{device}_{tag}`.
///
/// Placeholders are `{run}`, `{namespace}`, `{schedule}`, `{window.start:FORMAT}`, `{window.end:FORMAT}` (strftime, UTC; without a
/// format RFC 3339) and the sensor's keys; `{{` and `}}` are literal braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Key(String),
    Run,
    Namespace,
    Schedule,
    Window(Edge, Option<String>),
}

/// One end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The first instant in the window.
    Start,
    /// The first instant after it.
    End,
}

/// What fills the placeholders that are the same for every sensor of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// The run's name.
    pub run: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The schedule that created it.
    pub schedule: Option<&'a str>,
    /// The readings' window.
    pub window: Option<Window>,
}

/// Why a text is not a template, or cannot be filled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateError {
    /// An opening brace has no closing one.
    #[error(
        "`{text}`: the placeholder that opens at column {column} is never closed; write `{{{{` for a literal brace"
    )]
    Unclosed {
        /// The whole text.
        text: String,
        /// Position of the brace, from 1.
        column: usize,
    },
    /// A closing brace without an opening one.
    #[error(
        "`{text}`: the brace at column {column} closes nothing; write `}}}}` for a literal brace"
    )]
    Unopened {
        /// The whole text.
        text: String,
        /// Position of the brace, from 1.
        column: usize,
    },
    /// The name between braces is not a placeholder's.
    #[error(
        "`{text}`: `{{{name}}}` is no placeholder; use a key such as {{device}}, {{run}}, {{namespace}}, {{schedule}}, \
         {{window.start:%Y/%m/%d/%H}} or {{window.end:...}}"
    )]
    Unknown {
        /// The whole text.
        text: String,
        /// What stands between the braces.
        name: String,
    },
    /// The strftime format is not valid.
    #[error("`{format}` is no strftime format: {reason}")]
    Format {
        /// The format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A placeholder for the schedule in a run that no schedule created.
    #[error(
        "{{schedule}} has no value: the run has no label {}",
        fleetscore_crds::SCHEDULE_LABEL
    )]
    NoSchedule,
    /// A placeholder for the window in a run without one.
    #[error(
        "{{window.start}} and {{window.end}} have no value: the run has no window; set spec.window"
    )]
    NoWindow,
    /// A key's placeholder that the sensor does not fill.
    #[error("placeholder {{{key}}} has no value: the sensor has no key `{key}`")]
    NoKey {
        /// The key's name.
        key: String,
    },
}

impl Template {
    /// Parses a text with placeholders.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut letters = text.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '{' | '}' if letters.next_if(|&(_, next)| next == letter).is_some() => {
                    literal.push(letter);
                }
                '}' => {
                    return Err(TemplateError::Unopened {
                        text: text.to_owned(),
                        column: at + 1,
                    });
                }
                '{' => {
                    let inside = &text[at + 1..];
                    let Some(length) = inside.find('}') else {
                        return Err(TemplateError::Unclosed {
                            text: text.to_owned(),
                            column: at + 1,
                        });
                    };
                    push_literal(&mut parts, &mut literal);
                    parts.push(placeholder(text, &inside[..length])?);
                    while letters
                        .next_if(|&(position, _)| position <= at + 1 + length)
                        .is_some()
                    {}
                }
                _ => literal.push(letter),
            }
        }
        push_literal(&mut parts, &mut literal);
        Ok(Self { parts })
    }

    /// Names of the keys among the placeholders, in order of first appearance.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys = Vec::new();
        for part in &self.parts {
            if let Part::Key(name) = part
                && !keys.contains(&name.as_str())
            {
                keys.push(name.as_str());
            }
        }
        keys
    }

    /// Fills the placeholders that are the same for every sensor; the keys remain.
    pub fn bind(&self, names: Names<'_>) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => literal.push_str(text),
                Part::Run => literal.push_str(&encode_value(names.run)),
                Part::Namespace => literal.push_str(&encode_value(names.namespace)),
                Part::Schedule => literal.push_str(&encode_value(
                    names.schedule.ok_or(TemplateError::NoSchedule)?,
                )),
                Part::Window(edge, format) => {
                    let window = names.window.ok_or(TemplateError::NoWindow)?;
                    let instant = if *edge == Edge::Start {
                        window.start
                    } else {
                        window.end
                    };
                    write_time(&mut literal, instant, format.as_deref())?;
                }
                Part::Key(name) => {
                    push_literal(&mut parts, &mut literal);
                    parts.push(Part::Key(name.clone()));
                }
            }
        }
        push_literal(&mut parts, &mut literal);
        Ok(Self { parts })
    }

    /// The text for one sensor. Call [`Template::bind`] first.
    pub fn expand(&self, sensor: &SensorKey) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Key(name) => {
                    let value = sensor
                        .get(name)
                        .ok_or_else(|| TemplateError::NoKey { key: name.clone() })?;
                    text.push_str(&encode_value(value));
                }
                Part::Run | Part::Namespace => {
                    let key = if *part == Part::Run {
                        "run"
                    } else {
                        "namespace"
                    };
                    return Err(TemplateError::NoKey {
                        key: key.to_owned(),
                    });
                }
                Part::Schedule => return Err(TemplateError::NoSchedule),
                Part::Window(..) => return Err(TemplateError::NoWindow),
            }
        }
        Ok(text)
    }

    /// The text before the first placeholder.
    pub fn literal_prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// The folder up to the last `/` before the first placeholder other than `{schedule}`, which is filled; all of it, where there is
    /// no such placeholder.
    pub fn root(&self, schedule: Option<&str>) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Schedule => {
                    text.push_str(&encode_value(schedule.ok_or(TemplateError::NoSchedule)?));
                }
                Part::Run | Part::Namespace | Part::Window(..) | Part::Key(_) => {
                    text.truncate(text.rfind('/').map_or(0, |slash| slash + 1));
                    return Ok(text);
                }
            }
        }
        if !text.ends_with('/') {
            text.push('/');
        }
        Ok(text)
    }

    /// The keys with which this template expands to `text`, if there are any.
    ///
    /// A key matches at least one character and no `/`, as few as possible except the last one of a segment; a key that
    /// appears twice must have the same value both times.
    pub fn matches(&self, text: &str) -> Option<SensorKey> {
        let mut found = Vec::new();
        match_parts(&self.parts, text, &mut found).then(|| {
            found
                .into_iter()
                .map(|(name, value)| (name, decode_value(value).into_owned()))
                .collect()
        })
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}

fn placeholder(text: &str, inside: &str) -> Result<Part, TemplateError> {
    let (name, format) = match inside.split_once(':') {
        Some((name, format)) => (name, Some(format)),
        None => (inside, None),
    };
    let part = match (name, format) {
        ("run", None) => Part::Run,
        ("namespace", None) => Part::Namespace,
        ("schedule", None) => Part::Schedule,
        ("window.start", _) => Part::Window(Edge::Start, format.map(str::to_owned)),
        ("window.end", _) => Part::Window(Edge::End, format.map(str::to_owned)),
        (key, None) if is_key_name(key) => Part::Key(key.to_owned()),
        _ => {
            return Err(TemplateError::Unknown {
                text: text.to_owned(),
                name: inside.to_owned(),
            });
        }
    };
    if let Part::Window(_, Some(format)) = &part {
        write_time(&mut String::new(), Timestamp::UNIX_EPOCH, Some(format))?;
    }
    Ok(part)
}

/// A key's name: a letter or underscore, then letters, digits, underscores and hyphens.
fn is_key_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

fn write_time(
    text: &mut String,
    instant: Timestamp,
    format: Option<&str>,
) -> Result<(), TemplateError> {
    let Some(format) = format else {
        text.push_str(&instant.to_string());
        return Ok(());
    };
    let zoned = instant.to_zoned(TimeZone::UTC);
    let formatted =
        jiff::fmt::strtime::format(format, &zoned).map_err(|error| TemplateError::Format {
            format: format.to_owned(),
            reason: error.to_string(),
        })?;
    text.push_str(&formatted);
    Ok(())
}

fn match_parts<'p, 't>(
    parts: &'p [Part],
    text: &'t str,
    found: &mut Vec<(&'p str, &'t str)>,
) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    match part {
        Part::Literal(literal) => text
            .strip_prefix(literal.as_str())
            .is_some_and(|text| match_parts(rest, text, found)),
        Part::Key(name) => match_key(name, rest, text, found),
        Part::Run | Part::Namespace | Part::Schedule | Part::Window(..) => false,
    }
}

fn match_key<'p, 't>(
    name: &'p str,
    rest: &'p [Part],
    text: &'t str,
    found: &mut Vec<(&'p str, &'t str)>,
) -> bool {
    let segment = text.find('/').unwrap_or(text.len());
    if let Some(&(_, value)) = found.iter().find(|(known, _)| *known == name) {
        return text
            .strip_prefix(value)
            .is_some_and(|text| match_parts(rest, text, found));
    }
    for end in candidate_ends(&text[..segment], rest) {
        found.push((name, &text[..end]));
        if match_parts(rest, &text[end..], found) {
            return true;
        }
        found.pop();
    }
    false
}

/// Where a key's value may end: before each occurrence of the literal that follows, else at the end of the segment.
///
/// Only ends that the next literal allows are tried, so the work stays small for any text.
fn candidate_ends(segment: &str, rest: &[Part]) -> Vec<usize> {
    match rest.first() {
        Some(Part::Literal(literal)) => {
            let head = literal.split('/').next().unwrap_or_default();
            if head.is_empty() {
                return if segment.is_empty() {
                    Vec::new()
                } else {
                    vec![segment.len()]
                };
            }
            segment
                .match_indices(head)
                .map(|(at, _)| at)
                .filter(|&at| at > 0)
                .collect()
        }
        Some(_) => segment
            .char_indices()
            .map(|(at, _)| at)
            .filter(|&at| at > 0)
            .take(1)
            .collect(),
        None if segment.is_empty() => Vec::new(),
        None => vec![segment.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(entries: &[(&str, &str)]) -> SensorKey {
        entries.iter().copied().collect()
    }

    fn names() -> Names<'static> {
        let window = Window {
            start: "2018-08-28T23:00:00Z".parse().unwrap(),
            end: "2018-08-29T00:00:00Z".parse().unwrap(),
        };
        Names {
            run: "pumps-1",
            namespace: "plant-a",
            schedule: Some("pumps"),
            window: Some(window),
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        let text = "az://p/{namespace}/{schedule}/{run}/{window.start:%Y/%m/%d/%H}-{window.end}/{{x}}/{device}_{tag}.csv";
        let bound = Template::parse(text).unwrap().bind(names()).unwrap();
        assert_eq!(
            bound
                .expand(&key(&[("device", "1"), ("tag", "a/b")]))
                .unwrap(),
            "az://p/plant-a/pumps/pumps-1/2018/08/28/23-2018-08-29T00:00:00Z/{x}/1_a%2Fb.csv"
        );
        assert_eq!(bound.keys(), ["device", "tag"]);
    }

    #[test]
    fn errors_name_the_place_and_the_way_out() {
        let table = [
            ("az://m/{device", "column 8 is never closed"),
            ("az://m/device}", "column 14 closes nothing"),
            ("az://m/{}", "`{}` is no placeholder"),
            ("az://m/{run:%Y}", "`{run:%Y}` is no placeholder"),
            ("az://m/{window.start:%!}", "`%!` is no strftime format"),
        ];
        for (text, message) in table {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
        let missing = Template::parse("{device}")
            .unwrap()
            .expand(&key(&[("tag", "1")]))
            .unwrap_err();
        assert!(missing.to_string().contains("no key `device`"), "{missing}");
        let no_window = Names {
            window: None,
            ..names()
        };
        let template = Template::parse("{window.start}").unwrap();
        assert_eq!(template.bind(no_window), Err(TemplateError::NoWindow));
    }

    #[test]
    fn keys_are_read_back_from_a_name() {
        let table: &[(&str, &str, Option<&[(&str, &str)]>)] = &[
            (
                "model_{device}_{tag}",
                "model_1_2",
                Some(&[("device", "1"), ("tag", "2")]),
            ),
            (
                "model_{device}_{tag}",
                "model_1_2_3",
                Some(&[("device", "1"), ("tag", "2_3")]),
            ),
            (
                "model_{device}_{tag}.pkl",
                "model_1_2.pkl",
                Some(&[("device", "1"), ("tag", "2")]),
            ),
            (
                "model_{device}_{tag}.pkl",
                "model_1_2.pkl.pkl",
                Some(&[("device", "1"), ("tag", "2.pkl")]),
            ),
            ("model_{device}_{tag}.pkl", "model_1_2.bak", None),
            (
                "{device}/{tag}/m",
                "a%2Fb/2/m",
                Some(&[("device", "a/b"), ("tag", "2")]),
            ),
            ("{device}/{tag}/m", "1/2/3/m", None),
            ("{device}/{device}.m", "1/1.m", Some(&[("device", "1")])),
            ("{device}/{device}.m", "1/2.m", None),
            ("{device}/x_{tag}", "1/x_", None),
            ("fixed", "fixed", Some(&[])),
        ];
        for (template, text, expected) in table {
            let found = Template::parse(template).unwrap().matches(text);
            assert_eq!(found, expected.map(key), "{template} on {text}");
        }
    }

    proptest! {
        #[test]
        fn what_expands_is_found_again(device in "[^_]{1,12}", tag in ".{1,12}") {
            let template = Template::parse("m/{device}_{tag}.pkl").unwrap();
            let sensor = key(&[("device", &device), ("tag", &tag)]);
            let text = template.expand(&sensor).unwrap();
            prop_assert_eq!(template.matches(&text), Some(sensor));
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,80}", name in ".{0,80}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.matches(&name);
            }
        }
    }
}
