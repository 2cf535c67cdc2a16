use super::{pattern, quote};
use crate::expression::{Arithmetic, Comparison, Condition, Expression, Number, Text, Time};

/// The largest number of 64 bits.
pub(super) const LARGEST: &str = "1.7976931348623157E308";

/// Whose SQL is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Flink,
    Analytics,
}

/// Writes conditions and formulas in the SQL of another engine, whose unknown is NULL.
pub(super) struct Sql<'a> {
    pub engine: Engine,
    /// The column that a field is in. A number in it is finite.
    pub column: &'a dyn Fn(usize) -> String,
}

type Result<T = String> = std::result::Result<T, String>;

impl Sql<'_> {
    pub fn expression(&self, expression: &Expression) -> Result {
        match expression {
            Expression::Number(number) => self.finite(number),
            Expression::Text(text) => self.text(text),
            Expression::Time(time) => self.time(time),
            Expression::Boolean(condition) => {
                let holds = self.condition(condition)?;
                Ok(match self.engine {
                    Engine::Flink => holds,
                    Engine::Analytics => {
                        format!("(CASE WHEN {holds} THEN 1 WHEN NOT {holds} THEN 0 END)")
                    }
                })
            }
        }
    }

    /// A condition, in parentheses where it has parts.
    pub fn condition(&self, condition: &Condition) -> Result {
        Ok(match condition {
            Condition::Literal(value) => self.literal(*value).to_owned(),
            Condition::Field(field) => match self.engine {
                Engine::Flink => (self.column)(*field),
                Engine::Analytics => format!("({} = 1)", (self.column)(*field)),
            },
            Condition::Not(of) => format!("(NOT {})", self.condition(of)?),
            Condition::And(left, right) => {
                format!("({} AND {})", self.condition(left)?, self.condition(right)?)
            }
            Condition::Or(left, right) => {
                format!("({} OR {})", self.condition(left)?, self.condition(right)?)
            }
            Condition::Same(left, right) => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                format!("(({left} AND {right}) OR (NOT {left} AND NOT {right}))")
            }
            Condition::Has(field) => format!("({} IS NOT NULL)", (self.column)(*field)),
            Condition::Numbers(how, left, right) => {
                compared(*how, &self.finite(left)?, &self.finite(right)?)
            }
            Condition::Texts(how, left, right) => self.texts(*how, left, right)?,
            Condition::Times(how, left, right) => {
                compared(*how, &self.time(left)?, &self.time(right)?)
            }
            Condition::NumberIn(number, list) => {
                let list: Result<Vec<_>> = list.iter().map(|number| literal(*number)).collect();
                among(&self.finite(number)?, &list?)
            }
            Condition::TextIn(text, list) => {
                let list: Result<Vec<_>> = list.iter().map(|text| self.quoted(text)).collect();
                among(&self.text(text)?, &list?)
            }
            Condition::StartsWith(text, start) => {
                let (text, start) = (self.text(text)?, self.text(start)?);
                format!("(LEFT({text}, {}({start})) = {start})", self.length())
            }
            Condition::EndsWith(text, end) => {
                let (text, end) = (self.text(text)?, self.text(end)?);
                format!("(RIGHT({text}, {}({end})) = {end})", self.length())
            }
            Condition::Contains(text, part) => self.contains(text, part)?,
            Condition::Matches(text, pattern) => match self.engine {
                Engine::Flink => {
                    let pattern = quote::flink_text(&pattern::java(pattern.as_str())?);
                    format!("REGEXP({}, {pattern})", self.text(text)?)
                }
                Engine::Analytics => {
                    return Err("Stream Analytics has no patterns: take startsWith, endsWith or contains in place of matches".to_owned());
                }
            },
        })
    }

    fn literal(&self, value: bool) -> &'static str {
        match (self.engine, value) {
            (Engine::Flink, true) => "TRUE",
            (Engine::Flink, false) => "FALSE",
            (Engine::Analytics, true) => "(1 = 1)",
            (Engine::Analytics, false) => "(1 = 0)",
        }
    }

    /// The function that counts a text's letters.
    fn length(&self) -> &'static str {
        match self.engine {
            Engine::Flink => "CHAR_LENGTH",
            Engine::Analytics => "LEN",
        }
    }

    fn texts(&self, how: Comparison, left: &Text, right: &Text) -> Result {
        let is_order = !matches!(how, Comparison::Equal | Comparison::NotEqual);
        if is_order && self.engine == Engine::Analytics {
            return Err(
                "Stream Analytics has another order of texts: compare them by == and != alone"
                    .to_owned(),
            );
        }
        Ok(compared(how, &self.text(left)?, &self.text(right)?))
    }

    fn contains(&self, text: &Text, part: &Text) -> Result {
        let (text, part) = (self.text(text)?, self.text(part)?);
        Ok(match self.engine {
            Engine::Flink => format!("(POSITION({part} IN {text}) > 0)"),
            Engine::Analytics => format!("(CHARINDEX({part}, {text}) > 0)"),
        })
    }

    /// A number that is NULL where it is not finite.
    fn finite(&self, number: &Number) -> Result {
        let written = self.number(number)?;
        Ok(match number {
            Number::Literal(_) | Number::Field(_) => written,
            _ => format!("(CASE WHEN ABS({written}) <= {LARGEST} THEN {written} END)"),
        })
    }

    fn number(&self, number: &Number) -> Result {
        Ok(match number {
            Number::Literal(number) => literal(*number)?,
            Number::Field(field) => (self.column)(*field),
            Number::Negative(of) => format!("(- {})", self.number(of)?),
            Number::Arithmetic(how, left, right) => {
                let sign = match how {
                    Arithmetic::Add => "+",
                    Arithmetic::Subtract => "-",
                    Arithmetic::Multiply => "*",
                    Arithmetic::Divide => "/",
                    Arithmetic::Remainder => {
                        return Err("% of numbers with a fraction is not in SQL: reckon it where the events are made".to_owned());
                    }
                };
                format!("({} {sign} {})", self.number(left)?, self.number(right)?)
            }
        })
    }

    fn text(&self, text: &Text) -> Result {
        match text {
            Text::Literal(text) => self.quoted(text),
            Text::Field(field) => Ok((self.column)(*field)),
        }
    }

    fn quoted(&self, text: &str) -> Result {
        match self.engine {
            Engine::Flink => Ok(quote::flink_text(text)),
            Engine::Analytics => quote::analytics_text(text),
        }
    }

    fn time(&self, time: &Time) -> Result {
        let nanoseconds = match time {
            Time::Literal(nanoseconds) => *nanoseconds,
            Time::Field(field) => return Ok((self.column)(*field)),
        };
        if nanoseconds % 1_000_000 != 0 {
            return Err("times there have milliseconds and no more: leave the rest out".to_owned());
        }
        let milliseconds = nanoseconds / 1_000_000;
        Ok(match self.engine {
            Engine::Flink => format!("TO_TIMESTAMP_LTZ({milliseconds}, 3)"),
            Engine::Analytics => {
                let time = jiff::Timestamp::from_millisecond(milliseconds)
                    .map_err(|error| error.to_string())?;
                format!("CAST('{time}' AS datetime)")
            }
        })
    }
}

/// Whether a value is in a list, which may be empty.
fn among(value: &str, list: &[String]) -> String {
    if list.is_empty() {
        return format!("({value} <> {value})");
    }
    format!("({value} IN ({}))", list.join(", "))
}

fn compared(how: Comparison, left: &str, right: &str) -> String {
    let sign = match how {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    };
    format!("({left} {sign} {right})")
}

/// A number of 64 bits as SQL writes it.
fn literal(number: f64) -> Result {
    if number.is_finite() {
        Ok(format!("({number:E})"))
    } else {
        Err(format!("{number} cannot be written in SQL"))
    }
}
