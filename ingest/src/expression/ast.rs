use fleetscore_crds::FieldType;
use regex::Regex;

/// An expression of any type. A field is its place in a row.
#[derive(Clone, Debug)]
pub enum Expression {
    /// One that yields a number.
    Number(Number),
    /// One that yields a text.
    Text(Text),
    /// One that yields a time.
    Time(Time),
    /// One that is true or false.
    Boolean(Condition),
}

/// What yields a number.
#[derive(Clone, Debug)]
pub enum Number {
    /// A number as it is written.
    Literal(f64),
    /// That of a field.
    Field(usize),
    /// The same with the other sign.
    Negative(Box<Number>),
    /// What is reckoned from two.
    Arithmetic(Arithmetic, Box<Number>, Box<Number>),
}

/// How a number is reckoned from two. All of them reckon with 64-bit floats, so `5 / 2` is 2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`: what a division leaves, with the sign of the dividend.
    Remainder,
}

/// What yields a text.
#[derive(Clone, Debug)]
pub enum Text {
    /// A text as it is written.
    Literal(String),
    /// That of a field.
    Field(usize),
}

/// What yields a time.
#[derive(Clone, Debug)]
pub enum Time {
    /// A time as it is written, in nanoseconds since 1970.
    Literal(i64),
    /// That of a field.
    Field(usize),
}

/// What is true, false or unknown.
#[derive(Clone, Debug)]
pub enum Condition {
    /// True or false.
    Literal(bool),
    /// That of a field.
    Field(usize),
    /// The opposite.
    Not(Box<Condition>),
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// One of them holds, or both.
    Or(Box<Condition>, Box<Condition>),
    /// A field is there.
    Has(usize),
    /// Two numbers compare so. One that is not finite is unknown.
    Numbers(Comparison, Number, Number),
    /// Two texts compare so, by their characters' code points.
    Texts(Comparison, Text, Text),
    /// Two times compare so.
    Times(Comparison, Time, Time),
    /// Two conditions are both true or both false.
    Same(Box<Condition>, Box<Condition>),
    /// A number is one of these.
    NumberIn(Number, Vec<f64>),
    /// A text is one of these.
    TextIn(Text, Vec<String>),
    /// The first text begins with the second.
    StartsWith(Text, Text),
    /// The first text ends with the second.
    EndsWith(Text, Text),
    /// The second text is in the first.
    Contains(Text, Text),
    /// The pattern is found anywhere in the text.
    Matches(Text, Regex),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Expression {
    /// The type of what it yields.
    pub fn kind(&self) -> FieldType {
        match self {
            Self::Number(_) => FieldType::Number,
            Self::Text(_) => FieldType::Text,
            Self::Time(_) => FieldType::Time,
            Self::Boolean(_) => FieldType::Boolean,
        }
    }

    /// Adds the fields that it speaks of.
    pub fn fields(&self, into: &mut Vec<usize>) {
        match self {
            Self::Number(number) => number.fields(into),
            Self::Text(text) => text.fields(into),
            Self::Time(time) => time.fields(into),
            Self::Boolean(condition) => condition.fields(into),
        }
    }
}

impl Number {
    fn fields(&self, into: &mut Vec<usize>) {
        match self {
            Self::Literal(_) => {}
            Self::Field(field) => into.push(*field),
            Self::Negative(of) => of.fields(into),
            Self::Arithmetic(_, left, right) => {
                left.fields(into);
                right.fields(into);
            }
        }
    }
}

impl Text {
    fn fields(&self, into: &mut Vec<usize>) {
        if let Self::Field(field) = self {
            into.push(*field);
        }
    }
}

impl Time {
    fn fields(&self, into: &mut Vec<usize>) {
        if let Self::Field(field) = self {
            into.push(*field);
        }
    }
}

impl Condition {
    fn fields(&self, into: &mut Vec<usize>) {
        match self {
            Self::Literal(_) => {}
            Self::Field(field) | Self::Has(field) => into.push(*field),
            Self::Not(of) => of.fields(into),
            Self::And(left, right) | Self::Or(left, right) | Self::Same(left, right) => {
                left.fields(into);
                right.fields(into);
            }
            Self::Numbers(_, left, right) => {
                left.fields(into);
                right.fields(into);
            }
            Self::Texts(_, left, right)
            | Self::StartsWith(left, right)
            | Self::EndsWith(left, right)
            | Self::Contains(left, right) => {
                left.fields(into);
                right.fields(into);
            }
            Self::Times(_, left, right) => {
                left.fields(into);
                right.fields(into);
            }
            Self::NumberIn(number, _) => number.fields(into),
            Self::TextIn(text, _) | Self::Matches(text, _) => text.fields(into),
        }
    }
}
