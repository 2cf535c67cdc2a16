use rayon::prelude::*;

use super::blocks::{BLOCK, Blocks, Next, too_long, trim_returns};
use super::quoted;
use super::row::{Fields, Row, RowReader, Trouble};
use crate::partition::Partition;
use crate::{ObjectSource, ReadRequest, ReadingsError, Result};

/// What a block and its rows come to at most, in bytes, unless a line is longer than a block: a row takes some 25 bytes, and its text
/// may have 4; vectors have up to as much room again.
const PARSED: usize = 16 * BLOCK;

/// A line without quotes: the text that it is in, where it starts and where each of its fields ends.
struct Line<'a> {
    text: &'a [u8],
    start: usize,
    ends: &'a [usize],
}

impl Fields for Line<'_> {
    fn get(&self, position: usize) -> &[u8] {
        let start = position
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(self.start, |end| end + 1);
        self.ends
            .get(position)
            .and_then(|end| self.text.get(start..*end))
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
            Ok(Next::Lines) if memchr::memchr(b'"', &parser.block).is_some() => {
                return (filled, End::Quote);
            }
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
        let text = self.block.as_slice();
        let mut marks = Marks::new(text);
        let mut start = 0;
        while start < text.len() {
            let end = marks.next_line(&mut self.ends);
            let ends = &mut self.ends;
            trim_carriage_returns(text.get(start..end).unwrap_or_default(), start, ends);
            if !(ends.len() == 1 && ends.first() == Some(&start)) {
                let row = Row {
                    line: self.lines,
                    fields: &Line { text, start, ends },
                    open: self.open && end == text.len(),
                    open_quote: false,
                };
                // The result is kept only where it says something: storing it takes as long as splitting the line.
                if let Err(trouble) = self.rows.take(&row, failed) {
                    self.result = Err(trouble);
                    return;
                }
            }
            self.lines += 1;
            start = end + 1;
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

/// The commas and line feeds of a text, one after the other.
struct Marks<'a> {
    text: &'a [u8],
    /// Where the word is that has been looked at, and the highest bit of each byte of it that is a mark to come.
    word: usize,
    bits: u64,
}

/// Bytes that are looked at together.
const WORD: usize = size_of::<u64>();

impl<'a> Marks<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            word: 0,
            bits: marks(text),
        }
    }

    /// Where the next mark is.
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.word += WORD;
            self.bits = marks(self.text.get(self.word..)?);
        }
        let byte = self.bits.trailing_zeros() as usize / 8;
        self.bits &= self.bits - 1;
        Some(self.word + byte)
    }

    /// Finds where the fields of the next line end, and so the line itself.
    fn next_line(&mut self, ends: &mut Vec<usize>) -> usize {
        ends.clear();
        while let Some(mark) = self.next() {
            ends.push(mark);
            if self.text.get(mark) == Some(&b'\n') {
                return mark;
            }
        }
        ends.push(self.text.len());
        self.text.len()
    }
}

/// The highest bit of each of the first bytes of a text that is a comma or a line feed.
fn marks(text: &[u8]) -> u64 {
    const BYTES: u64 = u64::MAX / 255;
    const LOW: u64 = 0x7f * BYTES;
    let word = text.first_chunk().copied().unwrap_or_else(|| {
        let mut word = [0; WORD];
        word.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        word
    });
    let word = u64::from_le_bytes(word);
    // The highest bit of each byte that is another one: no sum goes over into the next byte.
    let others = |byte: u8| {
        let other = word ^ (u64::from(byte) * BYTES);
        ((other & LOW) + LOW) | other
    };
    !(others(b',') & others(b'\n')) & !LOW
}

/// Carriage returns at the end of a line, which starts at `start`, belong to the line end.
fn trim_carriage_returns(line: &[u8], start: usize, ends: &mut [usize]) {
    if let [.., b'\r'] = line
        && let Some(last) = ends.last_mut()
    {
        *last = start + trim_returns(line).len();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A text is split as the library splits it.
        #[test]
        fn lines_end_at_line_feeds_and_fields_at_commas(
            text in prop::collection::vec(
                prop_oneof![4 => any::<u8>(), 1 => Just(b'\n'), 2 => Just(b','), 1 => Just(0x8c)],
                0..100,
            ),
        ) {
            let (mut marks, mut ends, mut start) = (Marks::new(&text), Vec::new(), 0);
            for line in text.split(|byte| *byte == b'\n') {
                let end = marks.next_line(&mut ends);
                prop_assert_eq!(end, start + line.len());
                let line = Line { text: &text, start, ends: &ends };
                let fields: Vec<&[u8]> = (0..line.count()).map(|field| line.get(field)).collect();
                let expected: Vec<&[u8]> = text[start..end].split(|byte| *byte == b',').collect();
                prop_assert_eq!(fields, expected);
                start = end + 1;
            }
        }
    }
}
