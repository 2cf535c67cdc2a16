use std::ops::ControlFlow;

use fleetscore_crds::PredictionFormat;
use proptest::prelude::*;

use super::{
    PlotRequest, PredictionError, PredictionLayout, PredictionWriter, Thinning, format_of,
    read_plot,
};
use crate::models::{Kind, Labels, Verdicts};
use fleetscore_readings::testing::{keyed, object, outcome, request, strings};
use fleetscore_readings::{SensorRows, TimeText, Times};

const FORMATS: [PredictionFormat; 3] = [
    PredictionFormat::Csv,
    PredictionFormat::JsonLines,
    PredictionFormat::Parquet,
];

fn layout(label: bool) -> PredictionLayout {
    let keys = [("Device", "1"), ("Tag", "a,\"b\"")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    PredictionLayout::new(
        "TS",
        &keys,
        &strings(&["Value", "Flow"]),
        label.then_some("Truth"),
        Kind::Anomaly,
    )
}

fn rows(times: &[(i64, &str)], features: &[f64], labels: Option<Vec<bool>>) -> SensorRows {
    let mut text = TimeText::default();
    for (_, time) in times {
        text.push(time.as_bytes());
    }
    let nanos = times.iter().map(|(nanos, _)| *nanos).collect();
    SensorRows {
        sensor: 0,
        times: Times {
            nanos,
            text: Some(text),
        },
        features: features.to_vec(),
        labels,
        ..SensorRows::default()
    }
}

fn piece(all: &SensorRows, from: usize, to: usize) -> SensorRows {
    let mut text = TimeText::default();
    if let Some(whole) = &all.times.text {
        (from..to).for_each(|row| text.push(whole.get(row)));
    }
    SensorRows {
        sensor: 0,
        times: Times {
            nanos: all.times.nanos[from..to].to_vec(),
            text: all.times.text.as_ref().map(|_| text),
        },
        features: all.features[2 * from..2 * to].to_vec(),
        labels: all.labels.as_ref().map(|labels| labels[from..to].to_vec()),
        ..SensorRows::default()
    }
}

/// As a one-class SVM says.
fn verdicts(scores: &[f64]) -> Verdicts {
    scores.iter().map(|score| (*score, *score <= 0.0)).collect()
}

/// Encodes rows cut at the given places.
fn encode(format: PredictionFormat, all: &SensorRows, scores: &[f64], cuts: &[usize]) -> Vec<u8> {
    let writer = PredictionWriter::new(format, &layout(all.labels.is_some()), &Labels::default());
    let mut from = 0;
    let pieces = cuts.iter().copied().chain([scores.len()]).map(|to| {
        let to = to.clamp(from, scores.len());
        let rows = piece(all, from, to);
        let scores = &scores[from..to];
        from = to;
        (rows, scores)
    });
    written(writer, pieces)
}

/// The file of rows that are written in pieces.
fn written<'s>(
    mut writer: PredictionWriter,
    pieces: impl Iterator<Item = (SensorRows, &'s [f64])>,
) -> Vec<u8> {
    let (mut out, mut packed) = (Vec::new(), Vec::new());
    for (rows, scores) in pieces {
        let Some(group) = writer.group_bytes() else {
            writer.append(&rows, &verdicts(scores), &mut out).unwrap();
            continue;
        };
        writer
            .append(&rows, &verdicts(scores), &mut packed)
            .unwrap();
        while packed.len() >= group {
            let rest = packed.split_off(group);
            writer.write_group(&packed, &mut out).unwrap();
            packed = rest;
        }
    }
    writer.finish(&packed, &mut out).unwrap();
    out
}

fn small() -> (SensorRows, [f64; 3]) {
    let times = [
        (1_535_497_205_000_000_000, "2018-08-28 23:00:05.000"),
        (1_000, "1000 \"x\""),
        (2_000_000_000, "2"),
    ];
    let features = [10.16, 1e-7, -0.5, 1e300, 3.0, 0.1];
    (
        rows(&times, &features, Some(vec![true, false, true])),
        [0.25, 0.0, -8.888_390_678_003_441e-5],
    )
}

#[test]
fn csv_is_as_documented() {
    let (all, scores) = small();
    let text = String::from_utf8(encode(PredictionFormat::Csv, &all, &scores, &[])).unwrap();
    let mut lines = text.split_inclusive('\n');
    assert_eq!(
        lines.next(),
        Some("TS,Device,Tag,Value,Flow,Truth,Score,Prediction\n")
    );
    assert_eq!(
        lines.next(),
        Some("2018-08-28 23:00:05.000,1,\"a,\"\"b\"\"\",10.16,1e-7,1,0.25,0\n")
    );
    assert_eq!(
        lines.next(),
        Some("\"1000 \"\"x\"\"\",1,\"a,\"\"b\"\"\",-0.5,1e+300,0,0.0,1\n"),
        "a score of zero is an anomaly"
    );
    assert!(lines.next().unwrap().ends_with(",1\n"));
    assert_eq!(lines.next(), None);
}

#[test]
fn json_lines_are_objects() {
    let (all, scores) = small();
    let text = String::from_utf8(encode(PredictionFormat::JsonLines, &all, &scores, &[])).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = serde_json::json!({
        "TS": "2018-08-28 23:00:05.000", "Device": "1", "Tag": "a,\"b\"", "Value": 10.16, "Flow": 1e-7, "Truth": true,
        "Score": 0.25, "Prediction": 0,
    });
    assert_eq!(lines[0], expected);
    assert_eq!(
        (&lines[1]["TS"], &lines[1]["Prediction"]),
        (&"1000 \"x\"".into(), &1.into())
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn parquet_reads_back() {
    let (all, scores) = small();
    let source = object(
        "a.parquet",
        encode(PredictionFormat::Parquet, &all, &scores, &[]),
    );
    let mut wanted = keyed(
        request("TS", &["Value", "Flow", "Score"]),
        &[("tag", "Tag")],
        &[&["a,\"b\""]],
    );
    wanted.columns.label = Some("Prediction".to_owned());
    let read = outcome(&source, &wanted).unwrap().rows.remove(&0).unwrap();
    assert_eq!(
        read.times.nanos,
        [1_535_497_205_000_000_000, 1_000, 2_000_000_000]
    );
    assert_eq!(
        read.features,
        [10.16, 1e-7, 0.25, -0.5, 1e300, 0.0, 3.0, 0.1, scores[2]]
    );
    assert_eq!(read.labels, Some(vec![false, true, true]));
}

#[test]
fn times_without_text_are_rfc_3339() {
    let (mut all, scores) = small();
    all.times.text = None;
    let text = String::from_utf8(encode(PredictionFormat::Csv, &all, &scores, &[])).unwrap();
    let times: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(
        times,
        [
            "2018-08-28T23:00:05Z",
            "1970-01-01T00:00:00.000001Z",
            "1970-01-01T00:00:02Z"
        ]
    );
}

#[test]
fn without_rows_there_is_an_empty_table() {
    let none = rows(&[], &[], None);
    assert_eq!(
        encode(PredictionFormat::Csv, &none, &[], &[]),
        b"TS,Device,Tag,Value,Flow,Score,Prediction\n"
    );
    assert_eq!(encode(PredictionFormat::JsonLines, &none, &[], &[]), b"");
    let source = object(
        "a.parquet",
        encode(PredictionFormat::Parquet, &none, &[], &[]),
    );
    assert_eq!(
        outcome(&source, &request("TS", &["Score"]))
            .unwrap()
            .stats
            .rows,
        0
    );
}

#[test]
fn scores_must_match_the_rows() {
    let (all, scores) = small();
    let mut writer =
        PredictionWriter::new(PredictionFormat::Csv, &layout(true), &Labels::default());
    let error = writer
        .append(&all, &verdicts(&scores[1..]), &mut Vec::new())
        .unwrap_err();
    assert!(matches!(
        error,
        PredictionError::ScoreCount { scores: 2, rows: 3 }
    ));
}

#[test]
fn the_extension_names_the_format() {
    for (file, format) in [
        ("preds_1_1.csv", PredictionFormat::Csv),
        ("a/b.PARQUET", PredictionFormat::Parquet),
        ("x.jsonl", PredictionFormat::JsonLines),
        ("x.ndjson", PredictionFormat::JsonLines),
    ] {
        assert_eq!(
            format_of(file, PredictionFormat::Auto).unwrap(),
            format,
            "{file}"
        );
    }
    assert_eq!(
        format_of("x.dat", PredictionFormat::Csv).unwrap(),
        PredictionFormat::Csv
    );
    for file in ["x.dat", "csv"] {
        assert!(format_of(file, PredictionFormat::Auto).is_err(), "{file}");
    }
}

/// Against scikit-learn: its scores, written as predictions, give its rows again.
#[test]
fn the_reference_predictions_come_out() {
    let shared = std::env::var("FLEETSCORE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").to_owned());
    let folder = std::path::Path::new(&shared).join("batchai/expected");
    if !folder.exists() {
        println!("skipped: {} absent", folder.display());
        return;
    }
    let keys =
        [("Device", "1"), ("Tag", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let layout = PredictionLayout::new("TS", &keys, &strings(&["Value"]), None, Kind::Anomaly);
    let expected = std::fs::read(folder.join("preds_1_3.csv")).unwrap();
    let mut writer = PredictionWriter::new(PredictionFormat::Csv, &layout, &Labels::default());
    let mut out = Vec::new();
    let source = object("preds.csv", expected.clone());
    fleetscore_readings::read(&source, &request("TS", &["Value", "Score"]), &mut |chunk| {
        for mut rows in chunk.rows {
            let scores: Vec<f64> = rows.features.iter().skip(1).step_by(2).copied().collect();
            rows.features = rows.features.iter().step_by(2).copied().collect();
            writer.append(&rows, &verdicts(&scores), &mut out).unwrap();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    writer.finish(&[], &mut out).unwrap();
    let table = |bytes: &[u8]| -> Vec<(String, f64, f64, u8)> {
        let mut reader = csv::Reader::from_reader(bytes);
        let rows = reader.deserialize::<(String, u8, u8, f64, f64, u8)>();
        rows.map(|row| {
            row.map(|(time, _, _, value, score, prediction)| (time, value, score, prediction))
                .unwrap()
        })
        .collect()
    };
    let rows = table(&out);
    assert!(
        rows.len() > 1000 && rows.iter().any(|row| row.3 == 1) && rows.iter().any(|row| row.3 == 0)
    );
    assert_eq!(rows, table(&expected));
}

fn plot_request(format: PredictionFormat, buckets: usize, anomalies: usize) -> PlotRequest {
    PlotRequest {
        format,
        layout: layout(false),
        time_zone: "Etc/UTC".to_owned(),
        features: 4,
        buckets,
        anomalies,
        memory: 1 << 20,
    }
}

#[test]
fn plots_keep_peaks_and_the_worst_rows() {
    let count = 50_000_i64;
    let times: Vec<(i64, String)> = (0..count)
        .map(|row| (row * 1_000_000_000, row.to_string()))
        .collect();
    let times: Vec<(i64, &str)> = times
        .iter()
        .map(|(nanos, text)| (*nanos, text.as_str()))
        .collect();
    let mut features = vec![0.5; 100_000];
    (features[2 * 31_415], features[2 * 27_182 + 1]) = (99.0, -99.0);
    let mut scores = vec![1.0; 50_000];
    (100..120).for_each(|row| scores[row] = -1.0);
    scores[40_000] = -7.0;
    let all = rows(&times, &features, None);
    let mut kept = Thinning::new(2, 100, 5);
    let nanos = &all.times.nanos;
    kept.add(
        &nanos[..777],
        &features[..2 * 777],
        &verdicts(&scores[..777]),
    );
    kept.add(
        &nanos[777..],
        &features[2 * 777..],
        &verdicts(&scores[777..]),
    );
    let mut seen = vec![kept.finish()];
    for format in FORMATS {
        let source = object("preds", encode(format, &all, &scores, &[]));
        let plot = read_plot(&source, &plot_request(format, 100, 5)).unwrap();
        assert_eq!((plot.rows, plot.anomalies), (50_000, 21));
        assert!(
            plot.times.is_sorted() && (100..1500).contains(&plot.times.len()),
            "{}",
            plot.times.len()
        );
        let at = |row: i64| plot.times.binary_search(&(row * 1_000_000_000)).unwrap();
        assert_eq!(plot.values[0][at(31_415)].to_bits(), 99.0_f64.to_bits());
        assert_eq!(plot.values[1][at(27_182)].to_bits(), (-99.0_f64).to_bits());
        assert_eq!(
            (plot.scores[at(40_000)], plot.predictions[at(40_000)]),
            (-7.0, true)
        );
        assert!(plot.predictions.iter().filter(|anomaly| **anomaly).count() >= 5);
        seen.push(plot);
    }
    assert!(
        seen.windows(2).all(|pair| pair[0] == pair[1]),
        "the same whatever the format, and without reading back"
    );
}

/// A plot's memory grows with the square of its features, so those that are not drawn must not count.
#[test]
fn of_many_features_a_plot_keeps_the_first() {
    let names: Vec<String> = (0..256).map(|number| format!("F{number}")).collect();
    let layout = PredictionLayout::new("TS", &[], &names, None, Kind::Anomaly);
    let value = |row: usize, feature: usize| ((row * 31 + feature * 7) % 1009) as f64;
    let features: Vec<f64> = (0..1000)
        .flat_map(|row| (0..256).map(move |feature| value(row, feature)))
        .collect();
    let all = SensorRows {
        times: Times {
            nanos: (0..1000).map(|row| row * 1_000_000_000).collect(),
            text: None,
        },
        features,
        ..SensorRows::default()
    };
    let scores: Vec<f64> = (0..1000).map(|row| value(row, 500) - 3.5).collect();
    let mut kept = Thinning::new(4, 100, 5);
    kept.add(&all.times.nanos, &all.features, &verdicts(&scores));
    let writer = PredictionWriter::new(PredictionFormat::Parquet, &layout, &Labels::default());
    let bytes = written(writer, std::iter::once((all, scores.as_slice())));
    let wanted = PlotRequest {
        layout,
        ..plot_request(PredictionFormat::Parquet, 100, 5)
    };
    let plot = read_plot(&object("preds", bytes), &wanted).unwrap();
    assert_eq!(kept.finish(), plot);
    assert_eq!(plot.values.len(), 4);
    let rows = plot
        .times
        .iter()
        .map(|time| usize::try_from(time / 1_000_000_000).unwrap());
    for (place, row) in rows.enumerate() {
        for (feature, values) in plot.values.iter().enumerate() {
            assert_eq!(values[place].to_bits(), value(row, feature).to_bits());
        }
    }
}

#[test]
fn few_rows_are_all_kept() {
    let (mut all, scores) = small();
    (all.labels, all.times.text) = (None, None);
    let source = object(
        "preds.csv",
        encode(PredictionFormat::Csv, &all, &scores, &[]),
    );
    let plot = read_plot(&source, &plot_request(PredictionFormat::Csv, 10, 0)).unwrap();
    assert_eq!(
        plot.times,
        [1_000, 2_000_000_000, 1_535_497_205_000_000_000]
    );
    assert_eq!(plot.values, [[-0.5, 3.0, 10.16], [1e300, 0.1, 1e-7]]);
    assert_eq!(plot.predictions, [true, true, false]);
}

#[test]
fn damaged_predictions_are_an_error() {
    for (format, text) in [
        (
            PredictionFormat::Csv,
            "TS,Value,Flow,Score,Prediction\n1,1,1,oops,0\n",
        ),
        (PredictionFormat::JsonLines, "{\"TS\":\"1\",\"Value\":1}\n"),
        (PredictionFormat::JsonLines, "[1]\n"),
    ] {
        let source = object("preds", text.as_bytes().to_vec());
        assert!(
            read_plot(&source, &plot_request(format, 10, 10)).is_err(),
            "{text}"
        );
    }
}

/// Several row groups and many pages.
#[test]
fn bytes_of_many_rows_do_not_depend_on_the_pieces() {
    let number = |row: i64, step: i64| (row * step % 100_003) as f64 / 7.0;
    let times: Vec<(i64, &str)> = (0..200_000).map(|row| (row * 1_000_000, "1")).collect();
    let features: Vec<f64> = (0..400_000).map(|row| number(row, 7919)).collect();
    let scores: Vec<f64> = (0..200_000)
        .map(|row| number(row, 104_729) - 7000.0)
        .collect();
    let all = rows(&times, &features, None);
    let cuts: Vec<usize> = (0..200_000).step_by(777).collect();
    for format in FORMATS {
        let same = encode(format, &all, &scores, &cuts) == encode(format, &all, &scores, &[]);
        assert!(same, "{format:?}");
    }
}

fn any_rows() -> impl Strategy<Value = (SensorRows, Vec<f64>)> {
    let finite = || {
        prop_oneof![
            any::<f64>().prop_filter("finite", |number| number.is_finite()),
            -9.0..9.0
        ]
    };
    let row = (any::<i64>(), [finite(), finite()], any::<bool>(), finite());
    (
        prop::collection::vec(row, 0..60),
        any::<bool>(),
        any::<bool>(),
        1_usize..200,
    )
        .prop_map(|(few, text, labels, repeat)| {
            let many: Vec<_> = few.iter().cycle().take(few.len() * repeat).collect();
            let texts: Vec<(i64, String)> =
                many.iter().map(|row| (row.0, row.0.to_string())).collect();
            let times: Vec<(i64, &str)> = texts
                .iter()
                .map(|(nanos, text)| (*nanos, text.as_str()))
                .collect();
            let features: Vec<f64> = many.iter().flat_map(|row| row.1).collect();
            let labels = labels.then(|| many.iter().map(|row| row.2).collect());
            let mut all = rows(&times, &features, labels);
            if !text {
                all.times.text = None;
            }
            (all, many.iter().map(|row| row.3).collect())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_do_not_depend_on_the_pieces((all, scores) in any_rows(), cuts in prop::collection::vec(0_usize..12_000, 0..8)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        for format in FORMATS {
            prop_assert_eq!(encode(format, &all, &scores, &cuts), encode(format, &all, &scores, &[]));
        }
    }

    /// Against Rust's own number parser.
    #[test]
    fn numbers_read_back_exactly((all, scores) in any_rows()) {
        let text = encode(PredictionFormat::Csv, &all, &scores, &[]);
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), scores.len());
        for (row, record) in records.iter().enumerate() {
            let numbers = [&record[3], &record[4], &record[record.len() - 2]];
            let numbers = numbers.map(|text| text.parse::<f64>().unwrap().to_bits());
            let written = [all.features[2 * row], all.features[2 * row + 1], scores[row]];
            prop_assert_eq!(numbers, written.map(f64::to_bits));
            prop_assert_eq!(&record[record.len() - 1], if scores[row] > 0.0 { "0" } else { "1" });
        }
    }
}

/// Two rows of each kind of model.
fn kinds() -> [(Kind, Labels, Verdicts); 4] {
    let texts = Labels::Texts(vec!["ok".to_owned(), "worn, \"out\"".to_owned()]);
    let mut residual = Verdicts::default();
    residual.push_residual(10.5, 11.0, 0.25);
    residual.push_residual(-2.0, -2.0, 0.25);
    let mut class = Verdicts::default();
    class.push_class(0.75, 1, true);
    class.push_class(0.5, 0, false);
    let value = [(-17.25, false), (1e-7, false)].into_iter().collect();
    [
        (Kind::Residual, Labels::default(), residual),
        (Kind::Class, texts, class.clone()),
        (Kind::Class, Labels::Integers(vec![-1, 1]), class),
        (Kind::Value, Labels::default(), value),
    ]
}

/// The file of [`kinds`] with one feature, and the layout.
fn of_kind(
    format: PredictionFormat,
    kind: Kind,
    labels: &Labels,
    verdicts: &Verdicts,
) -> (Vec<u8>, PredictionLayout) {
    let layout = PredictionLayout::new("TS", &[], &strings(&["Value"]), None, kind);
    let all = rows(&[(1_000, "1000"), (2_000, "2000")], &[0.5, 1.5], None);
    let mut writer = PredictionWriter::new(format, &layout, labels);
    let (mut out, mut packed) = (Vec::new(), Vec::new());
    let to = match format {
        PredictionFormat::Parquet => &mut packed,
        _ => &mut out,
    };
    writer.append(&all, verdicts, to).unwrap();
    writer.finish(&packed, &mut out).unwrap();
    (out, layout)
}

#[test]
fn every_kind_is_written_as_documented() {
    let csv = [
        "TS,Value,Expected,Score,Prediction\n1000,0.5,10.5,-0.25,1\n2000,1.5,-2.0,0.25,0\n",
        "TS,Value,Score,Prediction,Anomaly\n1000,0.5,0.75,\"worn, \"\"out\"\"\",1\n2000,1.5,0.5,ok,0\n",
        "TS,Value,Score,Prediction,Anomaly\n1000,0.5,0.75,1,1\n2000,1.5,0.5,-1,0\n",
        "TS,Value,Prediction\n1000,0.5,-17.25\n2000,1.5,1e-7\n",
    ];
    let json = [
        r#"{"TS":"1000","Value":0.5,"Expected":10.5,"Score":-0.25,"Prediction":1}"#,
        r#"{"TS":"1000","Value":0.5,"Score":0.75,"Prediction":"worn, \"out\"","Anomaly":1}"#,
        r#"{"TS":"1000","Value":0.5,"Score":0.75,"Prediction":1,"Anomaly":1}"#,
        r#"{"TS":"1000","Value":0.5,"Prediction":-17.25}"#,
    ];
    for ((kind, labels, verdicts), (csv, json)) in kinds().into_iter().zip(csv.iter().zip(json)) {
        let text = |format| {
            let (bytes, _) = of_kind(format, kind, &labels, &verdicts);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(text(PredictionFormat::Csv), *csv);
        let lines = text(PredictionFormat::JsonLines);
        assert_eq!(lines.lines().next(), Some(json));
    }
}

#[test]
fn every_kind_has_its_types_in_parquet() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let expected = [
        "10.5, Score: -2.5E-1, Prediction: 1",
        "Score: 0.75, Prediction: \"worn, \"out\"\", Anomaly: 1",
        "Score: 0.75, Prediction: 1, Anomaly: 1",
        "Prediction: -1.725E1",
    ];
    for ((kind, labels, verdicts), expected) in kinds().into_iter().zip(expected) {
        let (bytes, _) = of_kind(PredictionFormat::Parquet, kind, &labels, &verdicts);
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
        let text = row.to_string();
        assert!(text.contains(expected), "{kind:?}: {text}");
    }
}

/// Which rows are anomalies, from every format; values have nothing to draw.
#[test]
fn every_kind_is_read_back() {
    for (kind, labels, verdicts) in kinds() {
        for format in FORMATS {
            let (bytes, layout) = of_kind(format, kind, &labels, &verdicts);
            let wanted = PlotRequest {
                layout,
                ..plot_request(format, 100, 5)
            };
            let read = read_plot(&object("preds", bytes), &wanted);
            if kind == Kind::Value {
                assert!(read.unwrap_err().to_string().contains("no scores"));
                continue;
            }
            let plot = read.unwrap();
            assert_eq!(plot.scores, verdicts.scores(), "{format:?} {kind:?}");
            assert_eq!(
                plot.predictions,
                verdicts.anomalies(),
                "{format:?} {kind:?}"
            );
        }
    }
}
