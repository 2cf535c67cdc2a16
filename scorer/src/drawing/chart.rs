//! A plot as inline SVG: one panel a feature, the scores below, anomalies marked.
//!
//! Horizontal positions are shares of the width, so one drawing fits a phone and a desk.

use std::fmt::Write as _;

use askama::Template;
use jiff::Timestamp;

use super::axis::{Tick, TimeAxis, ValueAxis};
use super::downsample;
use super::format;
use super::plot::{DRAWN_FEATURES, Plot, PlotTotals};

/// Characters shown of a feature's name and of a key.
const NAME_CHARS: usize = 32;
const KEY_CHARS: usize = 120;
/// Units of a line's horizontal axis.
const LINE_WIDTH: f64 = 1000.0;
/// Characters of a line's point, such as `L123.4 567.8`.
const POINT_CHARS: usize = 12;
/// More marks than this are drawn small, without a rim and without a text of their own.
const DENSE_MARKS: usize = 60;
/// Pixels above a panel for its name, below the last for the times.
const NAME_HEIGHT: u32 = 24;
const TIMES_HEIGHT: u32 = 22;

/// The drawing of one sensor.
#[derive(Template)]
#[template(path = "drawing/chart.html")]
pub struct Chart {
    id: usize,
    sensor: String,
    caption: String,
    description: String,
    height: u32,
    mark_radius: &'static str,
    /// Whether the marks are so many that they need to be plain.
    is_dense: bool,
    panels: Vec<Panel>,
    times: Vec<TimeTick>,
    times_at: u32,
}

/// One line with its own vertical axis. Vertical positions are pixels from the panel's top.
struct Panel {
    name: String,
    class: &'static str,
    top: u32,
    name_at: u32,
    height: u32,
    line: String,
    ticks: Vec<ValueTick>,
    /// The boundary between normal and anomalous, in the panel of the scores.
    zero: Option<Zero>,
    marks: Vec<Mark>,
}

/// Where a score of zero is, and how much of the panel is below.
struct Zero {
    y: String,
    below: String,
}

struct ValueTick {
    y: String,
    label: String,
}

struct TimeTick {
    x: String,
    anchor: &'static str,
    label: String,
}

struct Mark {
    x: String,
    y: String,
    /// Time and value, where marks are few enough to be told apart.
    title: Option<String>,
}

/// A plot's readings in the order of time.
struct Series {
    times: Vec<i64>,
    features: Vec<(String, Vec<f64>)>,
    scores: Vec<f64>,
    anomalies: Vec<bool>,
}

impl Series {
    fn of(plot: &Plot) -> Self {
        let mut order: Vec<usize> = (0..plot.len()).collect();
        order.sort_by_key(|position| plot.times.get(*position));
        let sorted = |values: &[f64]| pick(values, &order);
        Self {
            times: pick(&plot.times, &order),
            features: (plot.features.iter().take(DRAWN_FEATURES))
                .map(|feature| (feature.name.clone(), sorted(&feature.values)))
                .collect(),
            scores: sorted(&plot.scores),
            anomalies: pick(&plot.anomalies, &order),
        }
    }
}

fn pick<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    order
        .iter()
        .filter_map(|position| values.get(*position).copied())
        .collect()
}

impl Chart {
    /// The drawing of `plot`, the `id`-th of its page.
    pub fn new(id: usize, plot: &Plot) -> Self {
        let series = Series::of(plot);
        let marks = downsample::marks(&series.scores, &series.anomalies);
        let is_dense = marks.len() > DENSE_MARKS;
        let axis = TimeAxis::of(&series.times);
        let mut panels: Vec<Panel> = Vec::new();
        let mut top = 0;
        let feature_height = if series.features.len() > 1 { 96 } else { 150 };
        let features = series
            .features
            .iter()
            .map(|(name, values)| (name.as_str(), values, "reading", feature_height));
        for (name, values, class, height) in
            features.chain([("score", &series.scores, "score", 96)])
        {
            let panel = Panel::new(&series, axis, &marks, name, values, class, (top, height));
            top += NAME_HEIGHT + height;
            panels.push(panel);
        }
        Self {
            id,
            sensor: format::shortened(&plot.key.to_string(), KEY_CHARS),
            caption: caption(totals(plot, &series), marks.len()),
            description: description(&series),
            height: top + TIMES_HEIGHT,
            mark_radius: if is_dense { "2.5" } else { "3.5" },
            is_dense,
            panels,
            times: axis.ticks().into_iter().map(TimeTick::new).collect(),
            times_at: top + 15,
        }
    }
}

impl Panel {
    fn new(
        series: &Series,
        axis: TimeAxis,
        marks: &[usize],
        name: &str,
        values: &[f64],
        class: &'static str,
        (top, height): (u32, u32),
    ) -> Self {
        let is_score = class == "score";
        let zero = is_score.then_some(0.0);
        let scale = ValueAxis::of(values.iter().copied().chain(zero));
        let y = |value: f64| (1.0 - scale.at(value)) * f64::from(height);
        let is_dense = marks.len() > DENSE_MARKS;
        let points = downsample::points(&series.times, values, marks);
        let line = points.iter().filter_map(|position| {
            Some((
                axis.at(*series.times.get(*position)?),
                y(*values.get(*position)?),
            ))
        });
        Self {
            name: format::shortened(name, NAME_CHARS),
            class,
            top: top + NAME_HEIGHT,
            name_at: top + NAME_HEIGHT - 8,
            height,
            line: path(line),
            ticks: (scale.ticks().into_iter())
                .map(|Tick { at, label }| ValueTick {
                    y: format::fixed((1.0 - at) * f64::from(height), 1),
                    label,
                })
                .collect(),
            zero: zero.map(|zero| Zero {
                y: format::fixed(y(zero), 1),
                below: format::fixed(scale.at(zero) * f64::from(height), 1),
            }),
            marks: (marks.iter())
                .filter_map(|position| {
                    let time = *series.times.get(*position)?;
                    let value = *values.get(*position)?;
                    value.is_finite().then(|| Mark {
                        x: percent(axis.at(time)),
                        y: format::fixed(y(value), 1),
                        title: (!is_dense).then(|| title(time, name, value)),
                    })
                })
                .collect(),
        }
    }
}

impl TimeTick {
    fn new(tick: Tick) -> Self {
        // The last label must not stick out on the right; on the left there is the room of the value labels.
        let anchor = if tick.at > 0.94 { "end" } else { "middle" };
        Self {
            x: percent(tick.at),
            anchor,
            label: tick.label,
        }
    }
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let (_, most) = points.size_hint();
    let mut line = String::with_capacity(POINT_CHARS * most.unwrap_or_default());
    let mut command = 'M';
    for (x, y) in points {
        line.push(command);
        format::push_fixed(&mut line, x * LINE_WIDTH, 1);
        line.push(' ');
        format::push_fixed(&mut line, y, 1);
        command = 'L';
    }
    // A line of one point shows as a dot.
    if !line.is_empty() && !line.contains('L') {
        line.push_str("h0.1");
    }
    line
}

fn percent(share: f64) -> String {
    let mut text = format::fixed(share * 100.0, 2);
    text.push('%');
    text
}

fn title(time: i64, name: &str, value: f64) -> String {
    let name = format::shortened(name, NAME_CHARS);
    format!("{}: {name} {}", moment(time), format::number(value))
}

fn moment(time: i64) -> String {
    Timestamp::from_nanosecond(i128::from(time))
        .map(format::time)
        .unwrap_or_default()
}

/// The totals that the plot was given, else those of what it holds.
fn totals(plot: &Plot, series: &Series) -> PlotTotals {
    plot.totals.unwrap_or_else(|| PlotTotals {
        rows: series.times.len() as u64,
        anomalies: series.anomalies.iter().filter(|is| **is).count() as u64,
        features: plot.features.len(),
    })
}

fn caption(totals: PlotTotals, marks: usize) -> String {
    let mut caption = format!(
        "{} of {} anomalous",
        format::count(totals.anomalies),
        format::counted(totals.rows, "reading")
    );
    if (marks as u64) < totals.anomalies {
        let _ = write!(caption, ", {} of them marked", format::count(marks as u64));
    }
    let features = totals.features;
    if features > DRAWN_FEATURES {
        let _ = write!(
            caption,
            "; the first {DRAWN_FEATURES} of {features} features"
        );
    }
    caption
}

fn description(series: &Series) -> String {
    let (Some(first), Some(last)) = (series.times.first(), series.times.last()) else {
        return "No readings.".into();
    };
    let mut text = format!("From {} to {}.", moment(*first), moment(*last));
    let features = series
        .features
        .iter()
        .map(|(name, values)| (format::shortened(name, NAME_CHARS), values));
    for (name, values) in features.chain([("score".to_string(), &series.scores)]) {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        if let (Some(low), Some(high)) = (finite.clone().reduce(f64::min), finite.reduce(f64::max))
        {
            let _ = write!(
                text,
                " {name} from {} to {}.",
                format::number(low),
                format::number(high)
            );
        }
    }
    text
}
