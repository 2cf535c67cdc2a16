use crate::{CronProblem, Field};

/// The largest step; larger ones never reach a second value.
const LARGEST_STEP: u8 = 59;

/// A mistake at a byte of the text.
pub(crate) type Mistake = (usize, CronProblem);

/// One item of a field's list.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub field: Field,
    pub text: &'a str,
    /// Where the text starts.
    pub at: usize,
}

impl<'a> Item<'a> {
    /// The item as the library is to read it.
    pub fn read(self) -> Result<String, Mistake> {
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
            None => span(first, last),
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
        match self.field {
            Field::DayOfMonth if is_one_of(self.text, &["L", "LW"]) => {
                Ok(Some(self.text.to_ascii_uppercase()))
            }
            Field::DayOfWeek => {
                if let Some(day) = self.text.strip_suffix(['L', 'l'])
                    && all_digits(day)
                {
                    return Ok(Some(format!("{}L", self.part(day, 0).value()?)));
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
        number(self.text)
            .filter(|nth| (1..=5).contains(nth))
            .ok_or_else(|| {
                let (field, text) = (self.field, self.text.to_owned());
                (self.at, CronProblem::Nth { field, text })
            })
    }

    fn step(self) -> Result<u8, Mistake> {
        number(self.text)
            .filter(|step| (1..=LARGEST_STEP).contains(step))
            .ok_or_else(|| {
                let (field, text) = (self.field, self.text.to_owned());
                (self.at, CronProblem::Step { field, text })
            })
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
            format!(
                "{},{}",
                span(first, field.last()),
                span(field.first(), last)
            )
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
        let first = text.chars().find(|character| "?+W~H".contains(*character));
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
            Some('H') if text.starts_with('H') => foreign(
                'H',
                "write a number, or * for every one; spec.spreadSeconds moves the runs",
            ),
            _ => {
                let text = text.to_owned();
                (at, CronProblem::NotAValue { field, text })
            }
        }
    }
}

/// From one value to another, in the fewest words.
fn span(first: u8, last: u8) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}

fn is_one_of(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
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
