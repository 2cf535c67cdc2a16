use askama::Template;
use fleetscore_scorer::drawing::format::push_fixed;

/// Units of the drawing.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 24.0;

/// A line without axes beside a number: how it got there.
#[derive(Template)]
#[template(path = "charts/spark.html")]
pub struct Spark {
    line: String,
    area: String,
}

impl Spark {
    /// Draws `values`, oldest first, from zero up. Gaps are left out; none where there is no line.
    pub fn new(values: &[Option<f64>]) -> Option<Self> {
        let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
        let top = values.iter().filter_map(finite).fold(0.0, f64::max);
        let last = values.len().saturating_sub(1).max(1) as f64;
        let points: Vec<_> = (values.iter().enumerate())
            .filter_map(|(position, value)| {
                let share = if top > 0.0 { finite(value)? / top } else { 0.0 };
                let y = HEIGHT - 2.0 - share.clamp(0.0, 1.0) * (HEIGHT - 4.0);
                Some((position as f64 / last * WIDTH, y))
            })
            .collect();
        let ([(first, _), ..], [.., (end, _)]) = (points.as_slice(), points.as_slice()) else {
            return None;
        };
        if points.len() < 2 {
            return None;
        }
        let mut line = String::new();
        for (position, (x, y)) in points.iter().enumerate() {
            line.push(if position == 0 { 'M' } else { 'L' });
            push_fixed(&mut line, *x, 1);
            line.push(' ');
            push_fixed(&mut line, *y, 1);
        }
        let area = format!("{line}L{end:.1} {HEIGHT}L{first:.1} {HEIGHT}Z");
        Some(Self { line, area })
    }
}
