use jiff::Timestamp;

use super::{Names, Part, Template, write_time};
use crate::location::fold;

/// Part of the texts that a location can stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// This text.
    Text(String),
    /// This text, which is no key's.
    Word(&'static str),
    /// One or more characters.
    Some(Letters),
    /// Anything, or nothing.
    Rest,
}

/// Which characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// Digits.
    Digits,
    /// Letters of an alphabet.
    Alphabetic,
    /// All but `/`.
    Segment,
    /// All.
    All,
}

/// The texts that a location can stand for, in the form in which they are compared.
#[derive(Clone, Debug)]
pub struct Pattern {
    atoms: Vec<Atom>,
}

#[derive(Clone, Copy, Debug)]
enum Atom {
    Is(char),
    /// This character as part of a text, not of a key.
    Only(char),
    One(Letters),
    Many(Letters),
}

/// A time whose parts have as many digits as they can have.
const SOME_TIME: i64 = 1_543_448_756;

impl Template {
    /// What the template can stand for. A key is any text of one segment; so is the schedule where `names` has none, and the name of the
    /// schedule's run where the run has none. The ends of a window that `names` lacks are times in their format.
    pub fn pieces(&self, names: Names<'_>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => push_text(&mut pieces, text),
                Part::Run if names.run.is_empty() => {
                    if let Some(schedule) = names.schedule {
                        push_text(&mut pieces, &format!("{schedule}-"));
                    }
                    pieces.push(Piece::Some(Letters::Segment));
                }
                Part::Window(_, format) if names.window.is_none() => {
                    push_shape(&mut pieces, format.as_deref());
                }
                Part::Key(_) => pieces.push(Piece::Some(Letters::Segment)),
                _ => match bound(part, names) {
                    Some(text) => push_text(&mut pieces, &text),
                    None => pieces.push(Piece::Some(Letters::Segment)),
                },
            }
        }
        pieces
    }

    /// What the [root](Template::root) of a run's location can stand for.
    pub fn root_pieces(&self, names: Names<'_>) -> Vec<Piece> {
        let fixed = |part: &&Part| matches!(part, Part::Literal(_) | Part::Schedule);
        let parts: Vec<Part> = self.parts.iter().take_while(fixed).cloned().collect();
        let is_all = parts.len() == self.parts.len();
        let mut pieces = Self { parts }.pieces(names);
        if is_all {
            if !matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with('/')) {
                push_text(&mut pieces, "/");
            }
            return pieces;
        }
        while let Some(last) = pieces.pop() {
            if let Piece::Text(text) = last
                && let Some(slash) = text.rfind('/')
            {
                pieces.push(Piece::Text(text[..=slash].to_owned()));
                break;
            }
        }
        pieces
    }
}

/// The text of a placeholder that `names` fills.
fn bound(part: &Part, names: Names<'_>) -> Option<String> {
    let part = Template {
        parts: vec![part.clone()],
    };
    let bound = part.bind(names).ok()?;
    Some(bound.literal_prefix().to_owned())
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        last.push_str(text);
    } else if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// The form of times in `format`: which parts are digits or letters, whatever they are.
fn push_shape(pieces: &mut Vec<Piece>, format: Option<&str>) {
    let Some(format) = format else {
        return push_time(pieces, None);
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (text, specifier) = rest.split_at(at);
        push_text(pieces, text);
        let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '%';
        let inside = specifier.get(1..).unwrap_or_default();
        let length = inside.find(letter).map_or(specifier.len(), |end| end + 2);
        let (specifier, after) = specifier.split_at(length);
        push_time(pieces, Some(specifier));
        rest = after;
    }
    push_text(pieces, rest);
}

fn push_time(pieces: &mut Vec<Piece>, format: Option<&str>) {
    let mut text = String::new();
    let time = Timestamp::from_second(SOME_TIME).unwrap_or_default();
    if write_time(&mut text, time, format).is_err() {
        pieces.push(Piece::Some(Letters::Segment));
        return;
    }
    for letter in text.chars() {
        let piece = match letter {
            '0'..='9' => Piece::Some(Letters::Digits),
            letter if letter.is_alphabetic() && format.is_some() => {
                Piece::Some(Letters::Alphabetic)
            }
            letter => {
                push_text(pieces, letter.encode_utf8(&mut [0; 4]));
                continue;
            }
        };
        if pieces.last() != Some(&piece) {
            pieces.push(piece);
        }
    }
}

impl Pattern {
    /// The pattern of `pieces`. Of a `file://` location all names are meant that a file system may take for one.
    pub fn new(pieces: &[Piece]) -> Self {
        let is_file =
            matches!(pieces.first(), Some(Piece::Text(text)) if text.starts_with("file://"));
        let mut atoms = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) if is_file => atoms.extend(fold(text).chars().map(Atom::Is)),
                Piece::Text(text) => atoms.extend(text.chars().map(Atom::Is)),
                Piece::Word(text) => atoms.extend(text.chars().map(Atom::Only)),
                Piece::Some(letters) => atoms.extend([Atom::One(*letters), Atom::Many(*letters)]),
                Piece::Rest => atoms.push(Atom::Many(Letters::All)),
            }
        }
        Self { atoms }
    }

    /// A text that both patterns stand for.
    pub fn common(&self, other: &Self) -> Option<String> {
        Common {
            one: &self.atoms,
            other: &other.atoms,
            width: other.atoms.len() + 1,
        }
        .find()
    }
}

/// The search for a common text: the states are pairs of places in the two patterns, `one * width + other`.
struct Common<'a> {
    one: &'a [Atom],
    other: &'a [Atom],
    width: usize,
}

impl Common<'_> {
    fn find(&self) -> Option<String> {
        let end = self.one.len() * self.width + self.other.len();
        // From where each state was reached; itself: not yet.
        let mut from: Vec<usize> = (0..=end).collect();
        let mut queue = std::collections::VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            if state == end {
                return Some(self.text(&from, end));
            }
            for next in self.steps(state).into_iter().flatten() {
                if next != 0 && from.get(next) == Some(&next) {
                    *from.get_mut(next)? = state;
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// The states after `state`: past a repetition of either pattern, and past a character that both allow.
    fn steps(&self, state: usize) -> [Option<usize>; 3] {
        let (one, other) = self.at(state);
        let skip = |atom, width| matches!(atom, Some(Atom::Many(_))).then_some(state + width);
        let taken = common_letter(one, other).map(|_| {
            let step = |atom, width| {
                if matches!(atom, Some(Atom::Many(_))) {
                    0
                } else {
                    width
                }
            };
            state + step(one, self.width) + step(other, 1)
        });
        [taken, skip(one, self.width), skip(other, 1)]
    }

    fn at(&self, state: usize) -> (Option<Atom>, Option<Atom>) {
        let one = self.one.get(state / self.width).copied();
        (one, self.other.get(state % self.width).copied())
    }

    /// The characters on the way to `state`.
    fn text(&self, from: &[usize], mut state: usize) -> String {
        let mut letters = Vec::new();
        while let Some(&before) = from.get(state).filter(|before| **before != state) {
            let (one, other) = self.at(before);
            let skipped = match state - before {
                1 => matches!(other, Some(Atom::Many(_))),
                step if step == self.width => matches!(one, Some(Atom::Many(_))),
                _ => false,
            };
            letters.extend(common_letter(one, other).filter(|_| !skipped));
            state = before;
        }
        letters.into_iter().rev().collect()
    }
}

/// A character that both atoms allow.
fn common_letter(one: Option<Atom>, other: Option<Atom>) -> Option<char> {
    use Atom::{Is, Many, One, Only};
    match (one?, other?) {
        (Is(letter) | Only(letter), Is(other) | Only(other)) => (letter == other).then_some(letter),
        (Only(letter), One(letters) | Many(letters))
        | (One(letters) | Many(letters), Only(letter)) => {
            (letters == Letters::All).then_some(letter)
        }
        (Is(letter), One(letters) | Many(letters)) | (One(letters) | Many(letters), Is(letter)) => {
            letters.has(letter).then_some(letter)
        }
        (One(letters) | Many(letters), One(other) | Many(other)) => ['x', '0', '/']
            .into_iter()
            .find(|letter| letters.has(*letter) && other.has(*letter)),
    }
}

impl Letters {
    fn has(self, letter: char) -> bool {
        match self {
            Self::Digits => letter.is_ascii_digit(),
            Self::Alphabetic => letter.is_alphabetic(),
            Self::Segment => letter != '/',
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        let mut pieces = Template::parse(text).unwrap().pieces(Names::default());
        if text.ends_with('/') {
            pieces.push(Piece::Rest);
        }
        Pattern::new(&pieces)
    }

    #[test]
    fn common_texts_are_found() {
        for (one, other, common) in [
            ("az://d/a.csv", "az://d/a.csv", Some("az://d/a.csv")),
            ("az://d/a.csv", "az://d/b.csv", None),
            ("az://d/", "az://d/out/x", Some("az://d/out/x")),
            ("az://d/", "az://data/x", None),
            (
                "az://d/{a}/{b}.csv",
                "az://d/{b}/{a}.csv",
                Some("az://d/x/x.csv"),
            ),
            ("az://d/{a}.csv", "az://d/{a}/{b}.csv", None),
            (
                "az://d/{a}.csv",
                "az://d/preds_{a}.csv",
                Some("az://d/preds_x.csv"),
            ),
            ("az://d/m_{a}", "az://d/preds_{a}.csv", None),
            ("az://d/{a}_{b}", "az://d/_SUCCESS", None),
            ("az://d/{a}", "az://d/_SUCCESS", Some("az://d/_SUCCESS")),
            ("az://d/{a}.csv", "az://d/{a}.parquet", None),
            ("az://d/{window.start:%Y/%m}/", "az://d/out/{a}.csv", None),
            (
                "az://d/{window.start:%Y}/in/",
                "az://d/{window.end:%Y}/in/x",
                Some("az://d/0/in/x"),
            ),
            (
                "az://d/{window.start:%B}/",
                "az://d/May/x",
                Some("az://d/May/x"),
            ),
            ("az://d/{window.start}/", "az://d/out/x", None),
            ("az://D/a", "az://d/a", None),
            (
                "file:///D/Kühler/a",
                "file:///d/KU\u{308}HLER/{a}",
                Some("file:///d/kühler/a"),
            ),
        ] {
            let found = pattern(one).common(&pattern(other));
            assert_eq!(found.as_deref(), common, "{one} and {other}");
        }
    }

    proptest! {
        /// The search finds a common text if and only if both stand for some text out of all short ones.
        #[test]
        fn the_search_is_right(one in "([ab/]|\\{k\\}){0,4}/?", other in "([ab/]|\\{k\\}){0,4}/?") {
            let (first, second) = (pattern(&one), pattern(&other));
            let found = first.common(&second);
            if let Some(text) = &found {
                prop_assert!(stands_for(&one, text) && stands_for(&other, text), "{text}");
            } else {
                for text in texts() {
                    prop_assert!(!(stands_for(&one, &text) && stands_for(&other, &text)), "{text}");
                }
            }
            prop_assert_eq!(found.is_some(), second.common(&first).is_some());
        }
    }

    /// All texts of at most five of three characters.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut begin = 0;
        for _ in 0..5 {
            let end = all.len();
            for at in begin..end {
                for letter in ['a', 'b', '/'] {
                    all.push(format!("{}{letter}", all[at]));
                }
            }
            begin = end;
        }
        all
    }

    /// Whether a location with keys, or a folder that ends in `/`, stands for the text; told without a search.
    fn stands_for(template: &str, text: &str) -> bool {
        if let Some(rest) = template.strip_prefix("{k}") {
            let segment = text.find('/').unwrap_or(text.len());
            return (1..=segment).any(|end| stands_for(rest, &text[end..]));
        }
        match (template.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some(letter), Some(other)) if letter == other => {
                template == "/" || stands_for(&template[1..], &text[1..])
            }
            _ => false,
        }
    }
}
