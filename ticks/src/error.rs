use crate::{Field, ZoneError};

/// Why there is no timetable of a schedule's text and time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// The cron expression is wrong.
    #[error("schedule, column {column}: {problem}")]
    Cron {
        /// Where, in characters from 1.
        column: usize,
        /// What is wrong and what to do.
        problem: CronProblem,
    },
    /// There is no such time zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

impl TimetableError {
    /// The field of a schedule's spec that is to blame; none where it is the environment.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Cron { .. } => Some("schedule"),
            Self::Zone(ZoneError::Unknown { .. }) => Some("timeZone"),
            Self::Zone(ZoneError::Database { .. }) => None,
        }
    }

    /// The message for a place that names the field already.
    pub fn message(&self) -> String {
        match self {
            Self::Cron { column, problem } => format!("column {column}: {problem}"),
            Self::Zone(error) => error.to_string(),
        }
    }
}

/// What is wrong at a place of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronProblem {
    /// Not five fields.
    #[error(
        "{} where five fields are needed: minute, hour, day of month, month, day of week{}{advice}", counted(*found), no_seconds(*found)
    )]
    Fields {
        /// The number of fields.
        found: usize,
        /// What to write instead, after a semicolon; empty where that is not clear.
        advice: String,
    },
    /// An unknown word after `@`.
    #[error(
        "`{text}` is unknown; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"
    )]
    Macro {
        /// The word.
        text: String,
    },
    /// `@every 1h` or `rate(1 hour)`.
    #[error(
        "`{text}` counts from when a program began, and a schedule follows the clock; {advice}"
    )]
    Every {
        /// The text.
        text: String,
        /// What to write instead.
        advice: String,
    },
    /// A time zone before the fields.
    #[error("`{text}` is not part of the text; set spec.timeZone to {zone} and write `{rest}`")]
    Zone {
        /// The word.
        text: String,
        /// The zone that it names.
        zone: String,
        /// The text after it.
        rest: String,
    },
    /// A blank that is neither a space nor a tabulator.
    #[error("{name} (U+{:04X}) does not separate fields; write a space, and all fields in one line", *.character as u32)]
    Blank {
        /// What it is.
        name: &'static str,
        /// The character.
        character: char,
    },
    /// A comma without a value on one side.
    #[error("{field}: a value is missing in the list; remove the comma or give the value")]
    EmptyItem {
        /// The field.
        field: Field,
    },
    /// A value outside the field's range.
    #[error("{field} {value} is not within {}-{}", .field.first(), .field.last())]
    OutOfRange {
        /// The field.
        field: Field,
        /// The value.
        value: String,
    },
    /// Text that no value looks like.
    #[error("{field} `{text}` is not a value; allowed are {}", .field.values())]
    NotAValue {
        /// The field.
        field: Field,
        /// The text.
        text: String,
    },
    /// A range that ends before it starts.
    #[error("{field} {text} ends before it starts; write {instead}")]
    Backwards {
        /// The field.
        field: Field,
        /// The range.
        text: String,
        /// The same as ranges that cron knows.
        instead: String,
    },
    /// A step that is no number from 1 to 59.
    #[error("{field}: step `{text}` is not within 1-59")]
    Step {
        /// The field.
        field: Field,
        /// The step's text.
        text: String,
    },
    /// `L`, `LW`, `nL` or `#` with a step.
    #[error("{field} `{text}` stands for one day, which has no steps; remove the step")]
    StepOfOne {
        /// The field.
        field: Field,
        /// The item's text.
        text: String,
    },
    /// The number after `#`.
    #[error("{field}: `#{text}` is not within #1-#5, the first to the fifth of the month")]
    Nth {
        /// The field.
        field: Field,
        /// The text after `#`.
        text: String,
    },
    /// A character of other crons.
    #[error("{field}: `{character}` is not known to this cron; {instead}")]
    Foreign {
        /// The field.
        field: Field,
        /// The character.
        character: char,
        /// What to write.
        instead: &'static str,
    },
    /// The library that keeps the fields refuses what the checks let pass.
    #[error("{0}")]
    Library(String),
}

fn counted(fields: usize) -> String {
    match fields {
        0 => "nothing".to_owned(),
        1 => "one field".to_owned(),
        _ => format!("{fields} fields"),
    }
}

fn no_seconds(fields: usize) -> &'static str {
    if fields > 5 {
        "; there are no seconds and no years"
    } else {
        ""
    }
}
