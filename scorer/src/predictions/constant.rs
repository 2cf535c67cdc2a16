use bytes::Bytes;
use parquet::basic::{Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Appends a column to a row group that has the same text in each of `rows` rows: a dictionary of one value, and one run of it. So
/// it takes no time and no space, however many rows there are, which the library's writer would look at one by one.
pub(super) fn append(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &ColumnDescPtr,
    text: &str,
    rows: u32,
) -> Result<()> {
    let mut bytes = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut bytes);
    let value = ByteArray::from(text);
    let dictionary = pages.write_page(page(Page::DictionaryPage {
        buf: plain(text)?,
        num_values: 1,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    }))?;
    let run = pages.write_page(page(Page::DataPage {
        buf: run(rows),
        num_values: rows,
        encoding: Encoding::RLE_DICTIONARY,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }))?;
    let length = i64::try_from(bytes.bytes_written())?;
    let start = i64::try_from(run.offset)?;
    let (min, max) = (Some(value.clone()), Some(value));
    let statistics = ValueStatistics::new(min, max, None, Some(0), false);
    let encodings = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_encodings(encodings.to_vec())
        .set_page_encoding_stats(vec![
            PageEncodingStats {
                page_type: PageType::DICTIONARY_PAGE,
                encoding: Encoding::PLAIN,
                count: 1,
            },
            PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: Encoding::RLE_DICTIONARY,
                count: 1,
            },
        ])
        .set_num_values(i64::from(rows))
        .set_total_compressed_size(length)
        .set_total_uncompressed_size(length)
        .set_dictionary_page_offset(Some(i64::try_from(dictionary.offset)?))
        .set_data_page_offset(start)
        .set_statistics(Statistics::ByteArray(statistics))
        .build()?;
    let mut offsets = OffsetIndexBuilder::new();
    offsets.append_row_count(i64::from(rows));
    offsets.append_offset_and_size(start, i32::try_from(run.compressed_size)?);
    let encoded = ColumnCloseResult {
        bytes_written: bytes.bytes_written() as u64,
        rows_written: u64::from(rows),
        metadata,
        bloom_filter: None,
        // The statistics of the row group say all there is.
        column_index: None,
        offset_index: Some(offsets.build()),
    };
    group.append_column(&Bytes::from(bytes.into_inner()?), encoded)
}

fn page(page: Page) -> CompressedPage {
    let bytes = page.buffer().len();
    CompressedPage::new(page, bytes)
}

/// A text as the only value of a dictionary.
fn plain(text: &str) -> Result<Bytes> {
    let length = u32::try_from(text.len()).map_err(ParquetError::from)?;
    Ok(Bytes::from(
        [&length.to_le_bytes(), text.as_bytes()].concat(),
    ))
}

/// So many times the first value of the dictionary: how many bits a value has, twice the number of values in groups of seven bits, and
/// the value.
fn run(rows: u32) -> Bytes {
    let mut bytes = vec![1];
    let mut left = u64::from(rows) << 1;
    while left > 0x7f {
        bytes.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).unwrap_or_default());
    bytes.push(0);
    Bytes::from(bytes)
}
