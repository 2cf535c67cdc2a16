use crate::Refusal;

/// One reading of an event: it has a time and keys. Borrowed from whoever parses, which uses its buffers again for the next one.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// Its time, in nanoseconds since 1970.
    pub time: i64,
    /// The texts of its keys in the order of their names, each behind its length (2 bytes, little endian).
    pub key: &'a [u8],
    /// Whether the filter selects it; so too where there is no filter.
    pub is_selected: bool,
    /// Its features in the order of `event.columns.features`, all finite; or why it cannot be used, which only matters if it is selected.
    pub features: Result<&'a [f64], Refusal>,
}
