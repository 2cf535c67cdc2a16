use askama::Template;
use jiff::Timestamp;

use super::width;

/// Height of a step: its name, and its bar below that.
const ROW: u32 = 36;

/// Steps over time, one below the other.
#[derive(Template)]
#[template(path = "charts/timeline.html")]
pub struct Timeline {
    bars: Vec<Bar>,
    height: u32,
    first: String,
    last: String,
}

struct Bar {
    y: u32,
    text: u32,
    x: String,
    width: String,
    mood: &'static str,
    name: String,
    words: String,
}

impl Timeline {
    /// Draws steps: name, begin and end, mood, and the words that it is told by. None without any that took time.
    pub fn new(steps: &[(String, (Timestamp, Timestamp), &'static str, String)]) -> Option<Self> {
        let first = steps.iter().map(|(_, (start, _), ..)| *start).min()?;
        let last = steps.iter().map(|(_, (_, end), ..)| *end).max()?;
        let whole = last.duration_since(first).as_secs_f64();
        if whole <= 0.0 {
            return None;
        }
        let share = |time: Timestamp| time.duration_since(first).as_secs_f64() / whole;
        let bars = (0_u32..).zip(steps);
        let bars = bars.map(|(row, (name, (start, end), mood, words))| {
            // A step that took no time is seen, too.
            let long = (share(*end) - share(*start)).max(0.004);
            Bar {
                y: row * ROW + 17,
                text: row * ROW + 12,
                x: width(share(*start).min(1.0 - long)),
                width: width(long),
                mood,
                name: name.clone(),
                words: words.clone(),
            }
        });
        let bars: Vec<_> = bars.collect();
        let clock = |time: Timestamp| time.strftime("%H:%M:%S").to_string();
        Some(Self {
            height: u32::try_from(bars.len()).ok()?.checked_mul(ROW)?,
            bars,
            first: clock(first),
            last: clock(last),
        })
    }
}
