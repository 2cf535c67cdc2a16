use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{Float64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;

use super::row_groups::POOL;
use crate::testing::{object, outcome, request};
use crate::{ReadRequest, ReadingsError};

const ROWS: u32 = 10;

/// More memory than any read here may take, in bytes: a page has four times the memory of a read.
const HUGE: usize = 64 << 20;
const MEMORY: usize = 1 << 20;

/// A file of one column with these pages.
fn file(column: &str, codec: Compression, pages: Vec<CompressedPage>) -> Vec<u8> {
    let schema = parse_message_type(&format!("message m {{ required {column}; }}")).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema.into(), properties).unwrap();
    let descr = file.schema_descr().column(0);
    let mut bytes = TrackedWrite::new(Vec::new());
    let mut writer = SerializedPageWriter::new(&mut bytes);
    let (mut dictionary, mut first) = (None, None);
    for page in pages {
        let is_dictionary = page.compressed_page().is_dictionary_page();
        let offset = writer.write_page(page).unwrap().offset.cast_signed();
        let place = if is_dictionary {
            &mut dictionary
        } else {
            &mut first
        };
        place.get_or_insert(offset);
    }
    let metadata = ColumnChunkMetaData::builder(descr)
        .set_compression(codec)
        .set_dictionary_page_offset(dictionary)
        .set_data_page_offset(first.unwrap());
    let length = i64::try_from(bytes.bytes_written()).unwrap();
    let encoded = ColumnCloseResult {
        bytes_written: length.cast_unsigned(),
        rows_written: u64::from(ROWS),
        metadata: metadata
            .set_encodings(vec![Encoding::PLAIN])
            .set_num_values(i64::from(ROWS))
            .set_total_compressed_size(length)
            .set_total_uncompressed_size(length)
            .build()
            .unwrap(),
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    let mut group = file.next_row_group().unwrap();
    let bytes = Bytes::from(bytes.into_inner().unwrap());
    group.append_column(&bytes, encoded).unwrap();
    group.close().unwrap();
    file.into_inner().unwrap()
}

fn data(packed: Vec<u8>, values: u32, encoding: Encoding, unpacked: usize) -> CompressedPage {
    let page = Page::DataPage {
        buf: packed.into(),
        num_values: values,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    CompressedPage::new(page, unpacked)
}

fn values(packed: Vec<u8>, unpacked: usize) -> Vec<CompressedPage> {
    vec![data(packed, ROWS, Encoding::PLAIN, unpacked)]
}

/// So many zeros, packed.
fn zeros(codec: Compression, count: usize) -> Vec<u8> {
    let zeros = vec![0; count];
    match codec {
        Compression::GZIP(_) => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&zeros).unwrap();
            packed.finish().unwrap()
        }
        Compression::BROTLI(_) => {
            let mut packed = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 1, 22);
            writer.write_all(&zeros).unwrap();
            drop(writer);
            packed
        }
        Compression::LZ4 => {
            let mut packed = lz4_flex::frame::FrameEncoder::new(Vec::new());
            packed.write_all(&zeros).unwrap();
            packed.finish().unwrap()
        }
        _ => lz4_flex::block::compress(&zeros),
    }
}

fn gzip() -> Compression {
    Compression::GZIP(GzipLevel::default())
}

fn brotli() -> Compression {
    Compression::BROTLI(BrotliLevel::default())
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

/// The error of reading a file: whole, by several threads, and page by page.
fn errors(bytes: &[u8], time: &str, features: &[&str]) -> Vec<ReadingsError> {
    let source = object("a.parquet", bytes.to_vec());
    let memory = [MEMORY, MEMORY, bytes.len()];
    let pools = [None, Some(Arc::clone(&POOL)), None];
    let read = |(memory, pool)| {
        let wanted = ReadRequest {
            memory,
            pool,
            ..request(time, features)
        };
        outcome(&source, &wanted).unwrap_err()
    };
    memory.into_iter().zip(pools).map(read).collect()
}

fn assert_too_large(bytes: &[u8], time: &str, features: &[&str]) {
    for error in errors(bytes, time, features) {
        assert!(
            matches!(error, ReadingsError::PagesTooLarge { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("memory:///a.parquet"), "{error}");
    }
}

#[test]
fn a_page_that_says_it_is_huge_is_not_unpacked() {
    for codec in [
        zstd(),
        gzip(),
        brotli(),
        Compression::SNAPPY,
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        let lie = values(vec![1; 100], 0x7fff_ffff);
        assert_too_large(&file("double Value", codec, lie), "", &["Value"]);
    }
}

#[test]
fn a_page_that_is_huge_is_not_unpacked() {
    for codec in [gzip(), brotli(), Compression::LZ4, Compression::LZ4_RAW] {
        let huge = values(zeros(codec, HUGE), HUGE);
        assert_too_large(&file("double Value", codec, huge), "", &["Value"]);
    }
}

/// Fails, however it is read, with what is wrong with the column of values.
fn assert_damaged(file: &[u8], what: &str) {
    for error in errors(file, "", &["Value"]) {
        let expected = format!("column \"Value\": {what}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn a_page_that_is_larger_than_it_says_is_not_unpacked() {
    for codec in [gzip(), brotli(), Compression::LZ4] {
        let lie = file("double Value", codec, values(zeros(codec, HUGE), 80));
        assert_damaged(&lie, "a page unpacks to more than its header says");
    }
}

#[test]
fn a_dictionary_has_no_more_values_than_bytes() {
    let dictionary = Page::DictionaryPage {
        buf: vec![0; 80].into(),
        num_values: 0x7fff_ffff,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    let pages = vec![
        CompressedPage::new(dictionary, 80),
        data(vec![1, 20, 0], ROWS, Encoding::RLE_DICTIONARY, 3),
    ];
    let lie = file("double Value", Compression::UNCOMPRESSED, pages);
    assert_damaged(&lie, "the header of a page is damaged");
}

#[test]
fn a_page_behind_the_last_row_counts() {
    let pages = vec![
        data(vec![0; 80], ROWS, Encoding::PLAIN, 80),
        data(vec![0; 80], ROWS, Encoding::PLAIN, 0x7fff_ffff),
    ];
    let bytes = file("double Value", Compression::UNCOMPRESSED, pages);
    assert_too_large(&bytes, "", &["Value"]);
}

#[test]
fn the_lengths_of_texts_count() {
    for encoding in [
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DELTA_BYTE_ARRAY,
    ] {
        let pages = vec![data(vec![0; 80], 0x7fff_ffff, encoding, 80)];
        let bytes = file("binary TS (UTF8)", Compression::UNCOMPRESSED, pages);
        assert_too_large(&bytes, "TS", &[]);
    }
}

#[test]
fn sound_pages_of_every_codec_are_read() {
    let rows = 50_000;
    let numbers = Float64Array::from_iter_values((0..rows).map(|row| f64::from(row).sin()));
    let times = (0..rows).map(|row| format!("2026-01-01T00:{:02}:00Z", row % 60));
    let batch = RecordBatch::try_from_iter([
        ("TS", Arc::new(StringArray::from_iter_values(times)) as _),
        ("Value", Arc::new(numbers.clone()) as _),
    ])
    .unwrap();
    for codec in [
        zstd(),
        gzip(),
        brotli(),
        Compression::SNAPPY,
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::UNCOMPRESSED,
    ] {
        for (dictionary, version) in [(false, 1), (true, 2)] {
            let version = match version {
                1 => parquet::file::properties::WriterVersion::PARQUET_1_0,
                _ => parquet::file::properties::WriterVersion::PARQUET_2_0,
            };
            let properties = WriterProperties::builder()
                .set_compression(codec)
                .set_dictionary_enabled(dictionary)
                .set_writer_version(version)
                .build();
            let mut bytes = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties));
            writer.as_mut().unwrap().write(&batch).unwrap();
            writer.unwrap().close().unwrap();
            let source = object("a.parquet", bytes);
            for memory in [1 << 18, 8 << 20] {
                let wanted = ReadRequest {
                    memory,
                    ..request("TS", &["Value"])
                };
                let read = outcome(&source, &wanted).unwrap();
                assert!(read.features(0) == numbers.values(), "{codec:?} {memory}");
            }
        }
    }
}
