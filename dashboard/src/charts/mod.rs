//! Small drawings as SVG. Horizontal positions are shares of the width, so that one drawing fits a phone and a desk.

mod spark;
mod timeline;
mod trend;

pub use spark::Spark;
pub use timeline::Timeline;
pub use trend::{Mark, Trend, TrendMark};

/// `share` of the width as an attribute: `12.50%`.
fn width(share: f64) -> String {
    let mut text = fleetscore_scorer::drawing::format::fixed(share * 100.0, 2);
    text.push('%');
    text
}
