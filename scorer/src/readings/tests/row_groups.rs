use std::sync::Arc;

use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::support::{Outcome, keyed, object, outcome, request};
use crate::readings::{ObjectSource, ReadRequest};

const ROWS: i64 = 200_000;

/// One row group of many pages, with a page index or without.
fn file(index: bool) -> (ObjectSource, u64) {
    let micros = TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|row| row * 1_000_000));
    let tags = StringArray::from_iter_values((0..ROWS).map(|row| (row % 7).to_string()));
    let values = Float64Array::from_iter_values((0..ROWS).map(|row| (row as f64).sin()));
    let counts = Int64Array::from_iter_values((0..ROWS).map(|row| row * row));
    let batch = RecordBatch::try_from_iter([
        ("TS", Arc::new(micros.with_timezone("UTC")) as _),
        ("Tag", Arc::new(tags) as _),
        ("Value", Arc::new(values) as _),
        ("Count", Arc::new(counts) as _),
    ])
    .unwrap();
    let statistics = if index {
        EnabledStatistics::Page
    } else {
        EnabledStatistics::Chunk
    };
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1 << 20))
        .set_offset_index_disabled(!index)
        .set_statistics_enabled(statistics)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let size = bytes.len() as u64;
    (object("a.parquet", bytes), size)
}

fn read_within(object: &ObjectSource, wanted: &ReadRequest, memory: usize) -> Outcome {
    let wanted = ReadRequest {
        memory,
        ..wanted.clone()
    };
    outcome(object, &wanted).unwrap()
}

/// A row group that does not fit into memory is read page by page, with the same rows, and hardly a byte twice.
#[test]
fn a_row_group_larger_than_memory_reads_the_same() {
    for index in [false, true] {
        let (object, size) = file(index);
        assert!(size > 3 << 20, "{size} bytes");
        let wanted = keyed(
            request("TS", &["Value", "Count"]),
            &[("tag", "Tag")],
            &[&["2"], &["5"]],
        );
        let whole = read_within(&object, &wanted, 64 << 20);
        assert_eq!(whole.stats.rows, 2 * 200_000 / 7 + 1);
        for memory in [1 << 20, 4 << 20] {
            let pages = read_within(&object, &wanted, memory);
            assert!(pages.rows == whole.rows, "index: {index}");
            let bytes = pages.stats.bytes;
            assert!(bytes < size * 5 / 4, "{bytes} of {size} bytes were fetched");
        }
    }
}

/// Rows that the page index rules out are not fetched, as where all fits.
#[test]
fn pruning_works_page_by_page() {
    let (object, size) = file(true);
    let window = fleetscore_crds::Window {
        start: "1970-01-02T00:00:00Z".parse().unwrap(),
        end: "1970-01-02T04:00:00Z".parse().unwrap(),
    };
    let wanted = ReadRequest {
        window: Some(window),
        ..request("TS", &["Value", "Count"])
    };
    let (whole, pages) = (
        read_within(&object, &wanted, 64 << 20),
        read_within(&object, &wanted, 1 << 20),
    );
    assert_eq!(pages.stats.rows, 4 * 3600);
    assert!(pages.rows == whole.rows);
    assert!(pages.stats.bytes < size, "{} bytes", pages.stats.bytes);
}
