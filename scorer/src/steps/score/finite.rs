//! Readings whose scores are not finite: none of them may get into predictions, sums or the report.

use crate::models::Verdicts;
use fleetscore_readings::{InvalidReading, SensorRows};

/// Leaves out of `verdicts` those whose scores are not finite, and returns the rows of the others; none where all are finite.
pub fn leave_out(rows: &SensorRows, verdicts: &mut Verdicts) -> Option<SensorRows> {
    let scores = verdicts.scores();
    if scores.iter().all(|score| score.is_finite()) {
        return None;
    }
    let is_finite = |row: usize| scores.get(row).is_some_and(|score| score.is_finite());
    let kept = rows.only(is_finite);
    verdicts.retain_finite();
    Some(kept)
}

/// The first reading of `object` whose score is not finite, told by its largest feature; none where all are finite.
pub fn first_failure(
    object: &str,
    columns: &[String],
    rows: &SensorRows,
    scores: &[f64],
) -> Option<InvalidReading> {
    let row = scores.iter().position(|score| !score.is_finite())?;
    let width = columns.len();
    let features = rows.features.get(row * width..(row + 1) * width)?;
    let (column, value) = columns
        .iter()
        .zip(features)
        .max_by(|(_, one), (_, other)| one.abs().total_cmp(&other.abs()))?;
    Some(InvalidReading {
        object: object.to_owned(),
        row: rows.numbers.get(row),
        column: column.clone(),
        value: Some(zmij::Buffer::new().format(*value).to_owned()),
        expected: "a number for which the model's score is finite",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetscore_readings::{RowNumbers, TimeText, Times};

    fn rows() -> SensorRows {
        let (mut numbers, mut text) = (RowNumbers::default(), TimeText::default());
        for row in 0..4_u8 {
            numbers.push(u64::from(row) * 10 + 2);
            text.push(&[b'0' + row]);
        }
        SensorRows {
            sensor: 3,
            numbers,
            times: Times {
                nanos: vec![0, 1, 2, 3],
                text: Some(text),
            },
            features: vec![0.0, 0.5, 1.0, -1e308, 2.0, 2.5, 3.0, 3.5],
            labels: Some(vec![true, false, true, false]),
            skipped: 1,
        }
    }

    #[test]
    fn the_rows_with_finite_scores_stay() {
        let said = [
            (1.0, false),
            (f64::INFINITY, false),
            (-2.0, true),
            (f64::NAN, true),
        ];
        let mut verdicts: Verdicts = said.into_iter().collect();
        let kept = leave_out(&rows(), &mut verdicts).unwrap();
        assert_eq!(verdicts.scores(), [1.0, -2.0]);
        assert_eq!(verdicts.anomalies(), [false, true]);
        assert_eq!((kept.sensor, kept.skipped), (3, 1));
        assert_eq!(kept.times.nanos, [0, 2]);
        let text = kept.times.text.unwrap();
        assert_eq!((text.get(0), text.get(1)), (&b"0"[..], &b"2"[..]));
        assert_eq!(kept.features, [0.0, 0.5, 2.0, 2.5]);
        assert_eq!(kept.labels, Some(vec![true, true]));
        assert_eq!((kept.numbers.get(0), kept.numbers.get(1)), (2, 22));
        assert!(leave_out(&rows(), &mut [(1.0, false); 4].into_iter().collect()).is_none());
    }

    #[test]
    fn the_first_is_told_by_its_row_and_largest_feature() {
        let columns = ["Value".to_owned(), "Flow".to_owned()];
        let told = |scores: &[f64]| first_failure("a.csv", &columns, &rows(), scores);
        assert!(told(&[1.0, 2.0, 3.0, 4.0]).is_none());
        assert_eq!(
            told(&[1.0, f64::NEG_INFINITY, f64::NAN, 4.0])
                .unwrap()
                .to_string(),
            "a.csv, row 12, column \"Flow\": \"-1e+308\" is not a number for which the model's score is finite"
        );
    }
}
