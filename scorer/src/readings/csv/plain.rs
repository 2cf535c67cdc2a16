use super::blocks::Blocks;
use super::quoted;
use super::row::{Fields, RowReader};
use crate::readings::{ObjectSource, Result};

/// A line without quotes: its bytes and where each of its fields ends.
struct Line<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl Fields for Line<'_> {
    fn get(&self, position: usize) -> &[u8] {
        let start = position
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| end + 1);
        self.ends
            .get(position)
            .and_then(|end| self.bytes.get(start..*end))
            .unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.ends.len()
    }
}

/// Reads all blocks; from the first one with a quote on, [`quoted`] does.
pub(super) fn read(
    object: &ObjectSource,
    mut blocks: Blocks,
    rows: &mut RowReader<'_, '_>,
) -> Result<()> {
    let mut ends = Vec::new();
    while let Some((block, line)) = blocks.next(object)? {
        if block.contains(&b'"') {
            let block = block.to_vec();
            return quoted::read(object, blocks.rest(&block, line), rows);
        }
        let lines = read_block(block, line, &mut ends, rows)?;
        blocks.count_lines(lines);
        rows.hand_over();
        if rows.done() {
            break;
        }
    }
    Ok(())
}

/// Reads the lines of a block, the first of which has the number `first`, and counts them.
fn read_block(
    block: &[u8],
    first: u64,
    ends: &mut Vec<usize>,
    rows: &mut RowReader<'_, '_>,
) -> Result<u64> {
    let mut rest = block;
    let mut line = first;
    while !rest.is_empty() {
        let length = split(rest, ends);
        let (bytes, after) = rest.split_at(length.min(rest.len()));
        trim_carriage_return(bytes, ends);
        if !(ends.len() == 1 && ends.first() == Some(&0)) {
            rows.take(line, &Line { bytes, ends })?;
        }
        line += 1;
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(line - first)
}

/// Finds where the fields of the first line of `text` end, and so the line itself.
fn split(text: &[u8], ends: &mut Vec<usize>) -> usize {
    ends.clear();
    for (position, byte) in text.iter().enumerate() {
        if *byte <= b',' {
            if *byte == b',' {
                ends.push(position);
            } else if *byte == b'\n' {
                ends.push(position);
                return position;
            }
        }
    }
    ends.push(text.len());
    text.len()
}

fn trim_carriage_return(line: &[u8], ends: &mut [usize]) {
    if line.last() == Some(&b'\r')
        && let Some(last) = ends.last_mut()
    {
        *last -= 1;
    }
}
