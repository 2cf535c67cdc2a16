use askama::Template;
use fleetscore_scorer::drawing::axis::{Tick, ValueAxis};
use fleetscore_scorer::drawing::format::fixed;

use super::width;

/// Times below a trend.
const LABELS: usize = 4;

/// What is drawn for one run.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A bar from zero to the value.
    Bar(f64),
    /// A line from the first to the last value, with a point at the middle one.
    Band(f64, f64, f64),
    /// The run failed here.
    Cross,
    /// Nothing.
    Gap,
}

/// A mark, the time below it, and the words that it is told by.
pub type TrendMark = (Mark, String, String);

/// A number over runs, one mark a run.
#[derive(Template)]
#[template(path = "charts/trend.html")]
pub struct Trend {
    id: &'static str,
    title: String,
    height: u32,
    bars: Vec<Bar>,
    bands: Vec<Line>,
    crosses: Vec<Cross>,
    ticks: Vec<Label>,
    labels: Vec<Label>,
    zero: Option<String>,
}

struct Bar {
    x: String,
    width: String,
    y: String,
    height: String,
    title: String,
}

struct Line {
    x: String,
    low: String,
    mean: String,
    high: String,
    title: String,
}

struct Cross {
    x: String,
    width: String,
    title: String,
}

struct Label {
    at: String,
    anchor: &'static str,
    text: String,
}

impl Trend {
    /// Draws `marks`, oldest first, each with the time below it and the words that it is told by. `title` says what is drawn, `show`
    /// writes a value at the axis.
    pub fn new(
        id: &'static str,
        title: String,
        height: u32,
        marks: &[TrendMark],
        show: impl Fn(f64) -> String,
    ) -> Self {
        let has_bars = marks.iter().any(|(mark, ..)| matches!(mark, Mark::Bar(_)));
        let top = marks.iter().filter_map(|(mark, ..)| match mark {
            Mark::Bar(value) => Some(*value),
            _ => None,
        });
        let top = top.fold(0.0, f64::max);
        let values = marks.iter().flat_map(|(mark, ..)| match mark {
            Mark::Band(low, _, high) => vec![*low, *high, 0.0],
            _ => vec![],
        });
        let axis = ValueAxis::of(values);
        // Bars stand on zero.
        let at = |value: f64| match has_bars {
            true if top > 0.0 => (value / (top * 1.08)).clamp(0.0, 1.0),
            true => 0.0,
            false => axis.at(value),
        };
        let y = |value: f64| fixed((1.0 - at(value)) * f64::from(height), 1);
        let slot = 1.0 / marks.len().max(1) as f64;
        let mut drawn = Self {
            id,
            title,
            height,
            bars: Vec::new(),
            bands: Vec::new(),
            crosses: Vec::new(),
            ticks: Vec::new(),
            labels: Vec::new(),
            zero: (!has_bars).then(|| y(0.0)),
        };
        for (position, (mark, _, title)) in marks.iter().enumerate() {
            let start = position as f64 * slot;
            let title = title.clone();
            match mark {
                Mark::Bar(value) => drawn.bars.push(Bar {
                    x: width(start + slot * 0.12),
                    width: width(slot * 0.76),
                    // A bar of a share that is not zero is seen.
                    y: fixed(
                        (1.0 - at(*value)) * f64::from(height) - f64::from(u8::from(*value > 0.0)),
                        1,
                    ),
                    height: fixed(
                        at(*value) * f64::from(height) + f64::from(u8::from(*value > 0.0)),
                        1,
                    ),
                    title,
                }),
                Mark::Band(low, mean, high) => drawn.bands.push(Line {
                    x: width(start + slot * 0.5),
                    low: y(*low),
                    mean: y(*mean),
                    high: y(*high),
                    title,
                }),
                Mark::Cross => drawn.crosses.push(Cross {
                    x: width(start),
                    width: width(slot),
                    title,
                }),
                Mark::Gap => {}
            }
        }
        drawn.ticks = if has_bars {
            bar_ticks(top)
                .into_iter()
                .map(|value| Label {
                    at: y(value),
                    anchor: "end",
                    text: show(value),
                })
                .collect()
        } else {
            let ticks = axis.ticks().into_iter();
            ticks
                .map(|Tick { at, label }| Label {
                    at: fixed((1.0 - at) * f64::from(height), 1),
                    anchor: "end",
                    text: label,
                })
                .collect()
        };
        let step = marks.len().div_ceil(LABELS).max(1);
        drawn.labels = (marks.iter().enumerate())
            .filter(|(position, _)| position % step == step / 2)
            .map(|(position, (_, time, _))| {
                let at = (position as f64 + 0.5) * slot;
                Label {
                    at: width(at),
                    anchor: if at > 0.94 { "end" } else { "middle" },
                    text: time.clone(),
                }
            })
            .collect();
        drawn
    }
}

/// Zero, and round values up to `top`.
fn bar_ticks(top: f64) -> Vec<f64> {
    if top <= 0.0 {
        return vec![0.0];
    }
    let power = 10f64.powf((top / 2.0).log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|step| step * power);
    let step = steps
        .into_iter()
        .find(|step| *step <= top / 2.0)
        .unwrap_or(power);
    (0..6)
        .map(|position| f64::from(position) * step)
        .take_while(|value| *value <= top * 1.08)
        .collect()
}
