//! What to write in place of a time zone's name that the database does not hold.

use jiff::tz::TimeZoneDatabase;

use crate::abbreviation;
use crate::offset;
use crate::windows_zones::windows_zone;

/// At most so many names are shown.
const NEAR: usize = 3;
/// How similar a name must be to be shown. Beginnings do not count: `India` is not nearly `Indian/Mahe`.
const SIMILAR: f64 = 0.75;

/// The way out for `name`, which is not in `zones`.
pub(crate) fn advice(zones: &TimeZoneDatabase, name: &str) -> String {
    let text = name.trim();
    let names = Names::of(zones);
    this_machine(text)
        .or_else(|| did_you_mean(&names.cities_in(text)))
        .or_else(|| windows(text))
        .or_else(|| offset::advice(text))
        .or_else(|| places(abbreviation::places(&standard(text))))
        .or_else(|| did_you_mean(&names.written_as(text)))
        .or_else(|| did_you_mean(&names.near(text)))
        .unwrap_or_else(|| "name a zone such as Europe/Berlin or Etc/UTC".to_owned())
}

/// `local` and the like.
fn this_machine(text: &str) -> Option<String> {
    let local = ["local", "localtime", "local time", "system", "default"];
    local
        .iter()
        .any(|name| name.eq_ignore_ascii_case(text))
        .then(|| {
            "a zone must mean the same on every machine; name the place, such as Europe/Berlin"
                .to_owned()
        })
}

/// A name of Windows, as in its registry or its dialogs.
fn windows(text: &str) -> Option<String> {
    let zone = windows_zone(&standard(text))?;
    Some(format!("that is a name of Windows; write {zone}"))
}

/// `Eastern Daylight Time` and `(UTC-05:00) Eastern Time (US & Canada)` as `Eastern Standard Time`.
fn standard(text: &str) -> String {
    let text = match text.strip_prefix('(').and_then(|text| text.split_once(')')) {
        Some((_, name)) => name.trim(),
        None => text,
    };
    let text = text.trim_end_matches("(US & Canada)").trim();
    let Some(name) = text.strip_suffix(" Time") else {
        return text.to_owned();
    };
    let ends = [" Standard", " Daylight", " Summer"];
    let short = ends.iter().find_map(|end| name.strip_suffix(end));
    if text.ends_with("Mean Time") || text.ends_with("Universal Time") {
        return text.to_owned();
    }
    format!("{} Standard Time", short.unwrap_or(name))
}

fn places(places: &[&str]) -> Option<String> {
    match places {
        [] => None,
        [place] => Some(format!("that is an abbreviation; write {place}")),
        [places @ .., last] => Some(format!(
            "that may be the time of {} or {last}; write the one that is meant",
            places.join(", ")
        )),
    }
}

fn did_you_mean(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", ")))
}

/// The names that may be proposed: all but `Etc/GMT+2` and the like, which look like what they are not.
struct Names(Vec<String>);

impl Names {
    fn of(zones: &TimeZoneDatabase) -> Self {
        let names = zones.available().map(|name| name.as_str().to_owned());
        Self(names.filter(|name| !name.contains("GMT")).collect())
    }

    /// The zones of the cities in a list such as `(UTC+01:00) Amsterdam, Berlin`.
    fn cities_in(&self, text: &str) -> Vec<String> {
        let Some((_, list)) = text.strip_prefix('(').and_then(|text| text.split_once(')')) else {
            return Vec::new();
        };
        let cities: Vec<_> = list.split(',').map(squeezed).collect();
        let named = |name: &&String| name.contains('/') && cities.contains(&squeezed(city(name)));
        first(self.0.iter().filter(named))
    }

    /// The names that `text` is but for its case, blanks and strokes, and for what stands before it: `TZ=europe/berlin`.
    fn written_as(&self, text: &str) -> Vec<String> {
        let wanted = squeezed(text);
        let whole = |name: &&String| name.contains('/') && wanted.ends_with(&squeezed(name));
        let longest = self.0.iter().filter(whole).max_by_key(|name| name.len());
        if let Some(name) = longest {
            return vec![name.clone()];
        }
        let is_city = |name: &&String| squeezed(city(name)) == wanted;
        first(self.0.iter().filter(is_city))
    }

    /// Names that look like `text`, the nearest first.
    fn near(&self, text: &str) -> Vec<String> {
        let wanted = text.to_ascii_lowercase();
        let likeness = |known: &str| {
            let known = known.to_ascii_lowercase();
            let to = |name| strsim::normalized_damerau_levenshtein(&wanted, name);
            to(&known).max(to(city(&known)))
        };
        let mut found: Vec<_> = self
            .0
            .iter()
            .map(|known| (likeness(known), known))
            .filter(|(likeness, _)| *likeness >= SIMILAR)
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        first(found.into_iter().map(|(_, name)| name))
    }
}

fn first<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.take(NEAR).cloned().collect()
}

/// The last part of a name.
fn city(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The letters and digits of `text`, in lower case.
fn squeezed(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
