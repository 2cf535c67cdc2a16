use super::{Arithmetic, Comparison, Condition, Number, Text, Time};

/// The values of a row by field; none where a field is missing, or is not of its type.
pub trait Values {
    /// A number, which is finite.
    fn number(&self, field: usize) -> Option<f64>;
    /// A text.
    fn text(&self, field: usize) -> Option<&str>;
    /// A time, in nanoseconds since 1970.
    fn time(&self, field: usize) -> Option<i64>;
    /// True or false.
    fn boolean(&self, field: usize) -> Option<bool>;
    /// Whether it is there; none where something is there that is not of its type.
    fn is_there(&self, field: usize) -> Option<bool>;
}

impl Number {
    /// Its value, which may be infinite or NaN; none where it is unknown.
    pub fn evaluate(&self, row: &impl Values) -> Option<f64> {
        match self {
            Self::Literal(number) => Some(*number),
            Self::Field(field) => row.number(*field),
            Self::Negative(number) => number.evaluate(row).map(|number| -number),
            Self::Arithmetic(how, left, right) => {
                let (left, right) = (left.evaluate(row)?, right.evaluate(row)?);
                Some(match how {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                    Arithmetic::Remainder => left % right,
                })
            }
        }
    }

    fn finite(&self, row: &impl Values) -> Option<f64> {
        self.evaluate(row).filter(|number| number.is_finite())
    }
}

impl Text {
    /// Its value; none where it is unknown.
    pub fn evaluate<'a>(&'a self, row: &'a impl Values) -> Option<&'a str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Field(field) => row.text(*field),
        }
    }
}

impl Time {
    /// Its value in nanoseconds since 1970; none where it is unknown.
    pub fn evaluate(&self, row: &impl Values) -> Option<i64> {
        match self {
            Self::Literal(time) => Some(*time),
            Self::Field(field) => row.time(*field),
        }
    }
}

impl Condition {
    /// Whether it holds; none where that is unknown.
    pub fn evaluate(&self, row: &impl Values) -> Option<bool> {
        let both = |left: &Text, right: &Text, test: fn(&str, &str) -> bool| {
            Some(test(left.evaluate(row)?, right.evaluate(row)?))
        };
        match self {
            Self::Literal(value) => Some(*value),
            Self::Field(field) => row.boolean(*field),
            Self::Not(of) => of.evaluate(row).map(|value| !value),
            Self::And(left, right) => decided(left, right, row, false),
            Self::Or(left, right) => decided(left, right, row, true),
            Self::Has(field) => row.is_there(*field),
            Self::Numbers(how, left, right) => {
                Some(how.holds(&left.finite(row)?, &right.finite(row)?))
            }
            Self::Texts(how, left, right) => {
                Some(how.holds(left.evaluate(row)?, right.evaluate(row)?))
            }
            Self::Times(how, left, right) => {
                Some(how.holds(&left.evaluate(row)?, &right.evaluate(row)?))
            }
            Self::Same(left, right) => Some(left.evaluate(row)? == right.evaluate(row)?),
            Self::NumberIn(number, list) => Some(list.contains(&number.finite(row)?)),
            Self::TextIn(text, list) => {
                let text = text.evaluate(row)?;
                Some(list.iter().any(|other| other == text))
            }
            Self::StartsWith(text, start) => {
                both(text, start, |text, start| text.starts_with(start))
            }
            Self::EndsWith(text, end) => both(text, end, |text, end| text.ends_with(end)),
            Self::Contains(text, part) => both(text, part, |text, part| text.contains(part)),
            Self::Matches(text, pattern) => Some(pattern.is_match(text.evaluate(row)?)),
        }
    }
}

/// Of two conditions, where one that is `decisive` decides for both.
fn decided(left: &Condition, right: &Condition, row: &impl Values, decisive: bool) -> Option<bool> {
    let left = left.evaluate(row);
    if left == Some(decisive) {
        return left;
    }
    let right = right.evaluate(row);
    if right == Some(decisive) {
        return right;
    }
    left.and(right)
}

impl Comparison {
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
