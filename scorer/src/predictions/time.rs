use std::fmt::Write;

use jiff::Timestamp;

use fleetscore_readings::{SensorRows, TimeText};

/// The times of rows as text: as they were read, or RFC 3339 in UTC where they were no text.
pub(super) struct RowTimes<'a> {
    nanos: &'a [i64],
    text: Option<&'a TimeText>,
    formatted: String,
}

impl<'a> RowTimes<'a> {
    pub fn new(rows: &'a SensorRows) -> Self {
        Self {
            nanos: &rows.times.nanos,
            text: rows.times.text.as_ref(),
            formatted: String::new(),
        }
    }

    /// The texts of all rows one after the other, as they were read.
    pub fn all_text(&self) -> Option<&[u8]> {
        self.text.map(TimeText::all)
    }

    /// The time of row `row`.
    pub fn get(&mut self, row: usize) -> &[u8] {
        if let Some(text) = self.text {
            return text.get(row).trim_ascii();
        }
        self.formatted.clear();
        let nanos = self.nanos.get(row).copied().unwrap_or_default();
        if let Ok(instant) = Timestamp::from_nanosecond(i128::from(nanos)) {
            // Writing to a string does not fail.
            let _ = write!(self.formatted, "{instant}");
        }
        self.formatted.as_bytes()
    }
}
