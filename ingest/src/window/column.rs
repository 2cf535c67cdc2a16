/// Adds to a column. It grows by a quarter, not to double: many are open at a time, and what they hold in reserve would double the memory.
pub(super) fn push<T>(column: &mut Vec<T>, value: T) {
    if column.len() == column.capacity() {
        column.reserve_exact((column.len() / 4).max(4));
    }
    column.push(value);
}

/// A place among sensors, of which there are fewer than 2^32.
pub(super) fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
