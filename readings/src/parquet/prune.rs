use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_cast::cast;
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::ColumnOrder;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMask, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;

use super::column::{instants, texts};
use super::file::ObjectFile;
use super::schema::{Column, Layout, is_text};
use crate::values::window_nanos;
use crate::{ReadRequest, TimeParser, time::epoch_unit};

/// Local times may differ from the order of instants by the longest gap that clocks ever jumped over: a day.
const GAP: i64 = 86_400_000_000_000;

/// What is left to read of a file.
pub(super) struct Pruned {
    /// The file's metadata, with the page index where there is one and it is of use.
    pub metadata: ArrowReaderMetadata,
    /// The row groups to read, in their order.
    pub groups: Vec<Kept>,
}

/// A row group of which some rows are read.
pub(super) struct Kept {
    /// Its place among all row groups.
    pub group: usize,
    /// Its first row, as a row of the file, from 0.
    pub first: u64,
    /// Its rows.
    pub length: usize,
    /// Those that are read, as ascending ranges within it.
    pub rows: Vec<Range<usize>>,
}

/// What rows must hold in one column to be wanted.
enum Wanted {
    /// An instant in `[start, end)`.
    Time {
        start: i64,
        end: i64,
        parser: Box<TimeParser>,
    },
    /// One of these integers.
    Integers(Vec<i64>),
    /// One of these texts.
    Texts(Vec<String>),
}

/// A column with its condition.
struct Condition<'a> {
    column: &'a Column,
    wanted: Wanted,
}

impl Condition<'_> {
    /// Whether rows without a value in the column are wanted, so that they are told of.
    fn wants_nulls(&self) -> bool {
        matches!(self.wanted, Wanted::Time { .. })
    }
}

/// Decides from statistics which rows to read.
pub(super) async fn prune(
    file: &mut ObjectFile,
    metadata: ArrowReaderMetadata,
    layout: &Layout,
    request: &ReadRequest,
) -> Result<Pruned> {
    let mut conditions = conditions(layout, request);
    let groups = keep_groups(&metadata, &mut conditions)?;
    let metadata = load_page_index(file, metadata, &groups, layout, &conditions).await?;
    let mut pruned = Pruned {
        metadata,
        groups: Vec::new(),
    };
    let starts = group_starts(&pruned.metadata);
    for group in groups {
        let Some((first, length)) = starts.get(group).copied() else {
            continue;
        };
        let rows = keep_rows(&pruned.metadata, group, length, &mut conditions)?;
        if rows.iter().any(|range| !range.is_empty()) {
            pruned.groups.push(Kept {
                group,
                first,
                length,
                rows,
            });
        }
    }
    Ok(pruned)
}

/// The conditions that statistics can decide.
fn conditions<'a>(layout: &'a Layout, request: &ReadRequest) -> Vec<Condition<'a>> {
    let mut conditions = Vec::new();
    let is_ordered =
        |column: &&Column| !is_text(column.data_type()) && *column.data_type() != DataType::Float64;
    if let (Some(window), Some(column)) = (request.window, layout.time.as_ref().filter(is_ordered))
        && let Ok(parser) = TimeParser::new(&request.columns.time_zone)
    {
        let (start, end) = window_nanos(window);
        conditions.push(Condition {
            column,
            wanted: Wanted::Time {
                start,
                end,
                parser: Box::new(parser),
            },
        });
    }
    if request.sensors.sees_all() {
        return conditions;
    }
    for (position, column) in layout.keys.iter().enumerate() {
        let values = request
            .sensors
            .values()
            .filter_map(|values| Some(&values.get(position)?.text));
        if let Some(wanted) = wanted_keys(values, column.data_type()) {
            conditions.push(Condition { column, wanted });
        }
    }
    conditions
}

fn wanted_keys<'v>(
    values: impl Iterator<Item = &'v String>,
    data_type: &DataType,
) -> Option<Wanted> {
    if data_type.is_integer() {
        // A text that no integer is written as, such as 01, matches nothing.
        let exact = |text: &String| {
            text.parse::<i64>()
                .ok()
                .filter(|number| number.to_string() == *text)
        };
        let has_larger = |text: &&String| {
            text.parse::<u64>()
                .is_ok_and(|number| i64::try_from(number).is_err())
        };
        let values: Vec<&String> = values.collect();
        if values.iter().any(has_larger) {
            return None;
        }
        let mut integers: Vec<i64> = values.into_iter().filter_map(exact).collect();
        integers.sort_unstable();
        Some(Wanted::Integers(integers))
    } else if matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    ) {
        let mut texts: Vec<String> = values.cloned().collect();
        texts.sort_unstable();
        Some(Wanted::Texts(texts))
    } else {
        None
    }
}

impl Wanted {
    /// For each pair of bounds: whether a value between them may be wanted. Unknown bounds may hold anything.
    fn may_hold(&mut self, mins: &ArrayRef, maxes: &ArrayRef) -> Option<Vec<bool>> {
        match self {
            Self::Time { start, end, parser } => times_may_hold(mins, maxes, *start, *end, parser),
            Self::Integers(wanted) => {
                let (mins, maxes) = (
                    cast(mins, &DataType::Int64).ok()?,
                    cast(maxes, &DataType::Int64).ok()?,
                );
                let (mins, maxes) = (
                    mins.as_primitive::<Int64Type>(),
                    maxes.as_primitive::<Int64Type>(),
                );
                Some(any_between(mins.iter().zip(maxes), wanted, Ord::cmp))
            }
            Self::Texts(wanted) => {
                let (mins, maxes) = (texts(mins).ok()?, texts(maxes).ok()?);
                Some(any_between(
                    mins.iter().zip(&maxes),
                    wanted,
                    |wanted, bound| wanted.as_str().cmp(bound),
                ))
            }
        }
    }
}

/// For each pair of bounds: whether one of the sorted `wanted` values lies between them.
fn any_between<W, B: Copy>(
    bounds: impl Iterator<Item = (Option<B>, Option<B>)>,
    wanted: &[W],
    compare: impl Fn(&W, &B) -> std::cmp::Ordering,
) -> Vec<bool> {
    let between = |(min, max): (Option<B>, Option<B>)| {
        let (Some(min), Some(max)) = (min, max) else {
            return true;
        };
        let first = wanted.partition_point(|value| compare(value, &min).is_lt());
        wanted
            .get(first)
            .is_some_and(|value| compare(value, &max).is_le())
    };
    bounds.map(between).collect()
}

fn times_may_hold(
    mins: &ArrayRef,
    maxes: &ArrayRef,
    start: i64,
    end: i64,
    parser: &mut TimeParser,
) -> Option<Vec<bool>> {
    let is_local = matches!(
        mins.data_type(),
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64
    );
    let slack = if is_local && !parser.is_utc() { GAP } else { 0 };
    let (min_instants, max_instants) =
        (instants(mins, parser).ok()?, instants(maxes, parser).ok()?);
    let mut may_hold = Vec::with_capacity(min_instants.len());
    let same_unit = same_units(mins, maxes);
    for (position, bounds) in min_instants.into_iter().zip(max_instants).enumerate() {
        may_hold.push(match bounds {
            (Some(min), Some(max))
                if same_unit
                    .as_ref()
                    .is_none_or(|same| same.get(position) == Some(&true)) =>
            {
                min.saturating_sub(slack) < end && max.saturating_add(slack) >= start
            }
            _ => true,
        });
    }
    Some(may_hold)
}

/// For numbers since 1970, whose unit depends on their magnitude: whether both bounds, and so all values between them, have the
/// same unit. None for other types.
fn same_units(mins: &ArrayRef, maxes: &ArrayRef) -> Option<Vec<bool>> {
    if !mins.data_type().is_integer() {
        return None;
    }
    let (mins, maxes) = (
        cast(mins, &DataType::Int64).ok()?,
        cast(maxes, &DataType::Int64).ok()?,
    );
    let pairs = mins
        .as_primitive::<Int64Type>()
        .iter()
        .zip(maxes.as_primitive::<Int64Type>());
    let same = |(min, max): (Option<i64>, Option<i64>)| {
        let (Some(min), Some(max)) = (min, max) else {
            return false;
        };
        epoch_unit(min) == epoch_unit(max)
            && (min.signum() == max.signum() || epoch_unit(min) == 1_000_000_000)
    };
    Some(pairs.map(same).collect())
}

/// The row groups that may hold wanted rows.
fn keep_groups(
    metadata: &ArrowReaderMetadata,
    conditions: &mut [Condition<'_>],
) -> Result<Vec<usize>> {
    let groups = metadata.metadata().row_groups();
    let mut keep = vec![true; groups.len()];
    for condition in conditions {
        let column = condition.column;
        let statistics = converter(metadata, column)?;
        let (mins, maxes) = (
            statistics.row_group_mins(groups)?,
            statistics.row_group_maxes(groups)?,
        );
        let Some(mut may_hold) = condition.wanted.may_hold(&mins, &maxes) else {
            continue;
        };
        if condition.wants_nulls() {
            add_nulls(&mut may_hold, &statistics.row_group_null_counts(groups)?);
        }
        for ((keep, may), group) in keep.iter_mut().zip(may_hold).zip(groups) {
            let statistics = group.column(column.leaf).statistics();
            let old = statistics.is_some_and(Statistics::is_min_max_deprecated);
            *keep &= may || !bounds_count(metadata, column, old);
        }
    }
    Ok(keep
        .iter()
        .enumerate()
        .filter_map(|(group, keep)| keep.then_some(group))
        .collect())
}

fn converter<'m>(
    metadata: &'m ArrowReaderMetadata,
    column: &'m Column,
) -> Result<StatisticsConverter<'m>> {
    StatisticsConverter::from_column_index(column.leaf, &column.field, metadata.parquet_schema())
}

/// Where there are values that are absent, there may be wanted rows.
fn add_nulls(may_hold: &mut [bool], nulls: &UInt64Array) {
    let nulls = nulls
        .iter()
        .map(|count| count.is_some_and(|count| count > 0));
    for (may, has_nulls) in may_hold.iter_mut().zip(nulls) {
        *may |= has_nulls;
    }
}

/// Whether a column's bounds are in the order that values are compared in here. Signed numbers have one order only. Of all others
/// (text, unsigned numbers) old writers left bounds in another order: those count only in the newer fields (`old` is false), and
/// where the file says that they are in the order of the type.
fn bounds_count(metadata: &ArrowReaderMetadata, column: &Column, old: bool) -> bool {
    let signed = column.data_type().is_signed_integer()
        || matches!(
            column.data_type(),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
        );
    let orders = metadata.metadata().file_metadata().column_orders();
    let order = orders.and_then(|orders| orders.get(column.leaf));
    signed || (!old && matches!(order, Some(ColumnOrder::TYPE_DEFINED_ORDER(_))))
}

/// Adds the page index of the kept row groups, as far as there is one and a condition can use it.
async fn load_page_index(
    file: &mut ObjectFile,
    metadata: ArrowReaderMetadata,
    groups: &[usize],
    layout: &Layout,
    conditions: &[Condition<'_>],
) -> Result<ArrowReaderMetadata> {
    if conditions.is_empty() || groups.is_empty() {
        return Ok(metadata);
    }
    let deciding = conditions.iter().map(|condition| condition.column.leaf);
    let fetched = layout.columns().map(|column| column.leaf);
    let groups = || groups.iter().copied();
    let mut reader = ParquetMetaDataReader::new_with_metadata(metadata.metadata().as_ref().clone())
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_column_index_mask(ColumnChunkMask::row_groups_and_columns(groups(), deciding))
        .with_offset_index_mask(ColumnChunkMask::row_groups_and_columns(groups(), fetched));
    reader.load_page_index(file).await?;
    ArrowReaderMetadata::try_new(
        reader.finish()?.into(),
        ArrowReaderOptions::new().with_skip_arrow_metadata(true),
    )
}

/// First row and number of rows of each row group.
fn group_starts(metadata: &ArrowReaderMetadata) -> Vec<(u64, usize)> {
    let mut first = 0;
    let mut starts = Vec::new();
    for group in metadata.metadata().row_groups() {
        let length = usize::try_from(group.num_rows()).unwrap_or(0);
        starts.push((first, length));
        first = u64::saturating_add(first, length as u64);
    }
    starts
}

/// The rows of a row group whose pages may hold wanted rows, as ranges within the group.
fn keep_rows(
    metadata: &ArrowReaderMetadata,
    group: usize,
    length: usize,
    conditions: &mut [Condition<'_>],
) -> Result<Vec<Range<usize>>> {
    let whole = 0..length;
    let mut kept = vec![whole];
    let Some(index) = metadata.metadata().page_index().map(AsRef::as_ref) else {
        return Ok(kept);
    };
    if !index.is_complete() {
        return Ok(kept);
    }
    for condition in conditions {
        let (column, leaf) = (condition.column, condition.column.leaf);
        if !bounds_count(metadata, column, false) {
            continue;
        }
        let statistics = converter(metadata, column)?;
        let Some(offsets) = index.offset_index(group, leaf) else {
            continue;
        };
        let starts = offsets
            .page_locations()
            .iter()
            .map(|page| usize::try_from(page.first_row_index).unwrap_or(0));
        let pages = page_ranges(starts, length);
        let mins = statistics.data_page_mins(index, [&group])?;
        let maxes = statistics.data_page_maxes(index, [&group])?;
        let may_hold = condition.wanted.may_hold(&mins, &maxes);
        if let Some(mut may_hold) = may_hold.filter(|may_hold| may_hold.len() == pages.len()) {
            if condition.wants_nulls() {
                add_nulls(
                    &mut may_hold,
                    &statistics.data_page_null_counts(index, [&group])?,
                );
            }
            let pages = pages
                .into_iter()
                .zip(may_hold)
                .filter_map(|(page, may)| may.then_some(page));
            kept = intersect(&kept, &pages.collect::<Vec<_>>());
        }
    }
    Ok(kept)
}

/// The rows of each page, from the pages' first rows; none where they are not in order.
fn page_ranges(starts: impl Iterator<Item = usize>, length: usize) -> Vec<Range<usize>> {
    let mut bounds: Vec<usize> = starts.collect();
    bounds.push(length);
    if bounds.first() != Some(&0) || !bounds.is_sorted() {
        return Vec::new();
    }
    bounds
        .iter()
        .zip(bounds.iter().skip(1))
        .map(|(start, end)| *start..*end)
        .collect()
}

/// The rows in both lists of ascending ranges.
fn intersect(left: &[Range<usize>], right: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut both: Vec<Range<usize>> = Vec::new();
    let (mut left_rest, mut right_rest) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(first), Some(second)) = (left_rest.peek(), right_rest.peek()) {
        let range = first.start.max(second.start)..first.end.min(second.end);
        let left_ends_first = first.end <= second.end;
        if !range.is_empty() {
            match both.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => both.push(range),
            }
        }
        if left_ends_first {
            left_rest.next();
        } else {
            right_rest.next();
        }
    }
    both
}
