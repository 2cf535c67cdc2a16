use std::fmt;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0-59.
    Minute,
    /// 0-23.
    Hour,
    /// 1-31, or `L` and `LW`.
    DayOfMonth,
    /// 1-12 or jan-dec.
    Month,
    /// 0-7 or sun-sat; 0 and 7 are Sunday.
    DayOfWeek,
}

impl Field {
    /// The fields in the order in which an expression gives them.
    pub const ALL: [Self; 5] = [
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    /// The smallest value.
    pub fn first(self) -> u8 {
        match self {
            Self::DayOfMonth | Self::Month => 1,
            _ => 0,
        }
    }

    /// The largest value.
    pub fn last(self) -> u8 {
        match self {
            Self::Minute => 59,
            Self::Hour => 23,
            Self::DayOfMonth => 31,
            Self::Month => 12,
            Self::DayOfWeek => 7,
        }
    }

    /// The value that `name` stands for, in any case.
    pub(crate) fn named(self, name: &str) -> Option<u8> {
        let position = self
            .names()
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))?;
        u8::try_from(position)
            .ok()
            .map(|place| place + self.first())
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &DAYS,
            _ => &[],
        }
    }

    /// What a single value may be, for messages.
    pub(crate) fn values(self) -> &'static str {
        match self {
            Self::Minute => "0-59",
            Self::Hour => "0-23",
            Self::DayOfMonth => "1-31, L (the last day) or LW (the last weekday)",
            Self::Month => "1-12 or jan-dec",
            Self::DayOfWeek => {
                "0-7 or sun-sat, with #1 to #5 for the nth of the month, or 0L-7L for the last"
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}
