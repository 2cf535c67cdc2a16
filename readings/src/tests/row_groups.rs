use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::testing::{Outcome, keyed, object, outcome, request};
use crate::{ObjectSource, ReadRequest, ReadStats, ReadingsError, SensorRows, read};

/// Threads that decode.
pub static POOL: LazyLock<Arc<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    Arc::new(pool.unwrap())
});

const ROWS: i64 = 200_000;

/// One row group of many pages, with a page index or without.
fn file(index: bool) -> (ObjectSource, u64) {
    let bytes = bytes(index, 1 << 20);
    let size = bytes.len() as u64;
    (object("a.parquet", bytes), size)
}

/// The same rows in row groups of so many.
fn bytes(index: bool, group: usize) -> Vec<u8> {
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
    written(&batch, group, None, index)
}

/// A file in row groups and pages of so many rows, with an index of the pages or without.
fn written(batch: &RecordBatch, group: usize, page: Option<usize>, index: bool) -> Vec<u8> {
    let statistics = if index {
        EnabledStatistics::Page
    } else {
        EnabledStatistics::Chunk
    };
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_offset_index_disabled(!index)
        .set_statistics_enabled(statistics);
    if let Some(page) = page {
        properties = properties
            .set_data_page_row_count_limit(page)
            .set_write_batch_size(page);
    }
    let mut bytes = Vec::new();
    let properties = Some(properties.build());
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), properties).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Two of the sensors of [`bytes`].
fn two() -> ReadRequest {
    keyed(
        request("TS", &["Value", "Count"]),
        &[("tag", "Tag")],
        &[&["2"], &["5"]],
    )
}

/// The same on several threads.
fn on_threads(wanted: ReadRequest) -> ReadRequest {
    ReadRequest {
        pool: Some(Arc::clone(&POOL)),
        ..wanted
    }
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

/// Every row comes once, in order and with its number, however many threads and however little memory there are, and however the
/// rows lie in the file.
#[test]
fn rows_come_in_order_from_all_threads() {
    for (index, group) in [
        (false, 3000),
        (false, 1 << 20),
        (true, 50_000),
        (true, 1 << 20),
    ] {
        let source = object("a.parquet", bytes(index, group));
        for memory in [1 << 16, 1 << 19, 4 << 20, 64 << 20] {
            let wanted = ReadRequest {
                memory,
                ..on_threads(two())
            };
            let mut next = [2, 5];
            let stats = read(&source, &wanted, &mut |chunk| {
                for rows in &chunk.rows {
                    let next = &mut next[rows.sensor as usize];
                    for place in 0..rows.len() {
                        let row = *next as f64;
                        assert_eq!(rows.numbers.get(place), *next + 1, "{group} {memory}");
                        assert_eq!(rows.times.nanos[place], next.cast_signed() * 1_000_000_000);
                        let features = &rows.features[2 * place..2 * place + 2];
                        assert_eq!(features, [row.sin(), row * row]);
                        *next += 7;
                    }
                }
                ControlFlow::Continue(())
            });
            assert_eq!(stats.unwrap().scanned, ROWS as u64);
            assert_eq!(next, [200_006, 200_002], "{group} {memory}");
        }
    }
}

/// Rows at these times, in pages of five and row groups of ten.
fn short_pages(times: ArrayRef, index: bool) -> Vec<u8> {
    let values = Float64Array::from(vec![1.0; times.len()]);
    let batch = RecordBatch::try_from_iter([("TS", times), ("Value", Arc::new(values) as _)]);
    written(&batch.unwrap(), 10, Some(5), index)
}

/// Wherever a window begins and ends, within a page, a row group or between two, it has its first row and not the one at its end.
#[test]
fn a_window_has_its_rows_wherever_pages_and_row_groups_end() {
    const FIRST: i64 = 1_535_497_200;
    let micros =
        TimestampMicrosecondArray::from_iter_values((0..40).map(|row| (FIRST + row) * 1_000_000));
    let numbers = Int64Array::from_iter_values(FIRST..FIRST + 40);
    let columns: [(ArrayRef, &str, i64); 3] = [
        (Arc::new(micros.clone().with_timezone("UTC")), "Etc/UTC", 0),
        (Arc::new(micros), "Asia/Kathmandu", 20_700),
        (Arc::new(numbers), "Etc/UTC", 0),
    ];
    for (times, zone, ahead) in columns {
        for index in [false, true] {
            let source = object("a.parquet", short_pages(Arc::clone(&times), index));
            for start in 0..40 {
                for end in [start + 1, start + 6, start + 10] {
                    let at = |row: i64| jiff::Timestamp::from_second(FIRST - ahead + row).unwrap();
                    let mut wanted = request("TS", &["Value"]);
                    wanted.columns.time_zone = zone.to_owned();
                    wanted.window = Some(fleetscore_crds::Window {
                        start: at(start),
                        end: at(end),
                    });
                    let all = outcome(&source, &wanted).unwrap();
                    let seconds = all.nanos(0).iter().map(|nanos| nanos / 1_000_000_000);
                    let expected = (start..end.min(40)).map(|row| FIRST - ahead + row);
                    assert!(
                        seconds.eq(expected),
                        "{start}..{end} in {zone}, index: {index}"
                    );
                }
            }
        }
    }
}

/// Rows that the page index rules out are neither fetched nor counted where several threads decode the others.
#[test]
fn pruned_pages_are_shared_out() {
    let source = object("a.parquet", bytes(true, 1 << 20));
    let window = fleetscore_crds::Window {
        start: "1970-01-01T10:00:00Z".parse().unwrap(),
        end: "1970-01-02T10:00:00Z".parse().unwrap(),
    };
    let wanted = ReadRequest {
        window: Some(window),
        memory: 8 << 20,
        ..two()
    };
    let alone = outcome(&source, &wanted).unwrap();
    let together = outcome(&source, &on_threads(wanted)).unwrap();
    let inside = (36_000..122_400).filter(|row| [2, 5].contains(&(row % 7)));
    assert_eq!(alone.stats.rows, inside.count() as u64);
    assert!(alone.rows == together.rows);
    let stats = ReadStats {
        page_bytes: alone.stats.page_bytes,
        ..together.stats
    };
    assert_eq!(alone.stats, stats);
    assert!(alone.stats.scanned < 24 * 3600 + 50_000);
}

/// What came before a row group that is damaged has been handed over; what comes after it is not.
#[test]
fn an_error_in_a_late_row_group_comes_after_the_rows_before_it() {
    let mut bytes = bytes(false, 20_000);
    let size = bytes.len();
    // From within the eighth of ten row groups on.
    bytes[size * 72 / 100..size * 88 / 100].fill(0xff);
    let source = object("a.parquet", bytes);
    for memory in [4 << 20, 64 << 20] {
        let wanted = ReadRequest {
            memory,
            ..on_threads(two())
        };
        let mut rows = 0;
        let error = read(&source, &wanted, &mut |chunk| {
            rows += chunk.rows.iter().map(SensorRows::len).sum::<usize>();
            ControlFlow::Continue(())
        });
        assert!(matches!(error, Err(ReadingsError::Unreadable { .. })));
        let before = 7 * 20_000 * 2 / 7;
        assert!(rows > before - 2 * 512 && rows <= before, "{rows}");
    }
}

/// A read that is stopped fetches no more than what was on its way.
#[test]
fn a_read_on_threads_stops_early() {
    let bytes = bytes(false, 3000);
    let size = bytes.len() as u64;
    let source = object("a.parquet", bytes);
    let wanted = ReadRequest {
        memory: 1 << 19,
        ..on_threads(two())
    };
    let stats = read(&source, &wanted, &mut |chunk| {
        if chunk.rows.is_empty() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    let stats = stats.unwrap();
    assert!(stats.stopped);
    assert!(stats.bytes < size / 2, "{} of {size} bytes", stats.bytes);
}
