use rayon::prelude::*;

use super::blocks::{BLOCK, Blocks, Next, too_long, trim_returns};
use super::quoted;
use super::row::{Fields, Row, RowReader, Trouble};
use crate::readings::partition::Partition;
use crate::readings::{ObjectSource, ReadRequest, ReadingsError, Result};

/// What a block and its rows come to at most, in bytes, unless a line is longer than a block: a row takes some 25 bytes, and its text
/// may have 4; vectors have up to as much room again.
const PARSED: usize = 16 * BLOCK;

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

/// What a thread needs to parse blocks.
struct Parser<'a> {
    block: Vec<u8>,
    ends: Vec<usize>,
    rows: RowReader<'a>,
    /// Lines of the block.
    lines: u64,
    /// Whether the object ends with the block, and that without a line end.
    open: bool,
    result: std::result::Result<(), Trouble>,
}

/// Reads all blocks, of which the first begins with the line `line`: as many at a time as there are threads and memory. From the
/// first one with a quote on, [`quoted`] does. What comes out does not depend on how many are read at a time.
pub(super) fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    mut blocks: Blocks,
    mut line: u64,
    rows: &RowReader<'_>,
    partition: &mut Partition<'_>,
) -> Result<()> {
    let pool = request.pool.as_deref();
    let threads = pool.map_or(1, rayon::ThreadPool::current_num_threads);
    let at_once = threads.min(request.memory / 4 / PARSED).max(1);
    let mut parsers: Vec<Parser> = (0..at_once).map(|_| Parser::new(rows)).collect();
    loop {
        let (filled, end) = fill(object, &mut blocks, &mut parsers);
        let (wave, rest) = parsers.split_at_mut(filled);
        let failed = partition.failed();
        match pool {
            Some(pool) if filled > 1 => {
                pool.install(|| wave.par_iter_mut().for_each(|parser| parser.parse(failed)));
            }
            _ => wave.iter_mut().for_each(|parser| parser.parse(failed)),
        }
        for parser in wave {
            parser.hand_over(line, partition)?;
            line += parser.lines;
            if partition.done() {
                return Ok(());
            }
        }
        match end {
            End::Full => {}
            End::Failed(error) => return Err(error),
            End::Stream => return Ok(()),
            End::TooLong => return Err(too_long(object, line)),
            End::Quote => {
                let block = rest.first().map_or(&[][..], |parser| &parser.block);
                return quoted::read(object, blocks.rest(block), line, rows.clone(), partition);
            }
        }
    }
}

/// Why no more parsers were given a block.
enum End {
    /// All have one.
    Full,
    /// The stream has ended.
    Stream,
    /// The next line is too long.
    TooLong,
    /// The next one has a quote in its block.
    Quote,
    /// The stream failed.
    Failed(ReadingsError),
}

/// Gives each parser a block; returns how many have one. An error is told only once these are parsed.
fn fill(object: &ObjectSource, blocks: &mut Blocks, parsers: &mut [Parser<'_>]) -> (usize, End) {
    for (filled, parser) in parsers.iter_mut().enumerate() {
        match blocks.next(object, &mut parser.block) {
            Ok(Next::Lines) if parser.block.contains(&b'"') => return (filled, End::Quote),
            Ok(Next::Lines) => parser.open = blocks.ends_open(&parser.block),
            Ok(Next::End) => return (filled, End::Stream),
            Ok(Next::TooLong) => return (filled, End::TooLong),
            Err(error) => return (filled, End::Failed(error)),
        }
    }
    (parsers.len(), End::Full)
}

impl<'a> Parser<'a> {
    fn new(rows: &RowReader<'a>) -> Self {
        Self {
            block: Vec::new(),
            ends: Vec::new(),
            rows: rows.clone(),
            lines: 0,
            open: false,
            result: Ok(()),
        }
    }

    /// Parses the block; its first line has the number 0.
    fn parse(&mut self, failed: &[bool]) {
        (self.lines, self.result) = (0, Ok(()));
        let mut rest = self.block.as_slice();
        let zeros = rest.contains(&0);
        while !rest.is_empty() {
            let length = split(rest, &mut self.ends);
            let (bytes, after) = rest.split_at(length.min(rest.len()));
            let ends = &mut self.ends;
            trim_carriage_returns(bytes, ends);
            if !(ends.len() == 1 && ends.first() == Some(&0)) {
                let row = Row {
                    line: self.lines,
                    fields: &Line { bytes, ends },
                    zeros,
                    open: self.open && after.is_empty(),
                    open_quote: false,
                };
                self.result = self.rows.take(&row, failed);
                if self.result.is_err() {
                    return;
                }
            }
            self.lines += 1;
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// Adds the rows of the block, whose first line has the number `line`.
    fn hand_over(&mut self, line: u64, partition: &mut Partition<'_>) -> Result<()> {
        if let Err(trouble) = self.result {
            return Err(self.rows.error(&trouble, line));
        }
        self.rows.hand_over(line, partition);
        Ok(())
    }
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

/// Carriage returns at the end belong to the line end.
fn trim_carriage_returns(line: &[u8], ends: &mut [usize]) {
    if let [.., b'\r'] = line
        && let Some(last) = ends.last_mut()
    {
        *last = trim_returns(line).len();
    }
}
