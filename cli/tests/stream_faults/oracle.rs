use std::collections::BTreeMap;

use crate::load::Sent;

/// Rows by device and start of the window, in seconds since 1970: mean, count, least, most.
pub type Rows = BTreeMap<(String, i64), (f64, f64, f64, f64)>;

/// Values that the stream's filter leaves out are below this one.
pub const LEAST: f64 = -10.0;

/// What a batch over all events comes to: rows, and how many events are accepted and filtered. None of them is late, early or too old.
pub fn expected(sent: &[Sent]) -> (Rows, u64, u64) {
    let mut values: BTreeMap<(String, i64), Vec<f64>> = BTreeMap::new();
    for event in sent.iter().filter(|event| event.value > LEAST) {
        let window = event.time.div_euclid(60_000) * 60;
        let of = values.entry((event.device.clone(), window));
        of.or_default().push(event.value);
    }
    let accepted: usize = values.values().map(Vec::len).sum();
    let row = |values: &Vec<f64>| {
        let count = values.len() as f64;
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (values.iter().sum::<f64>() / count, count, least, most)
    };
    let rows = values
        .iter()
        .map(|(key, values)| (key.clone(), row(values)));
    let filtered = sent.len() - accepted;
    (rows.collect(), accepted as u64, filtered as u64)
}
