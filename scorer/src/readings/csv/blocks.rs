use std::io::{Chain, Cursor, ErrorKind, Read};

use super::MAX_RECORD;
use crate::readings::{ObjectSource, ReadingsError, Result};

/// Bytes of a block, unless a line is longer.
const BLOCK: usize = 1 << 18;

/// A stream of bytes cut into blocks of whole lines.
pub(super) struct Blocks {
    stream: Box<dyn Read + Send>,
    /// Grows where a line does not fit, up to the longest line that is allowed.
    buffer: Vec<u8>,
    /// Where the unread bytes in `buffer` begin and end.
    start: usize,
    end: usize,
    /// Whether the stream has ended.
    ended: bool,
    /// The line that the unread bytes begin in, from 1.
    line: u64,
}

/// The rest of the stream from some block on.
pub(super) struct Rest {
    /// The bytes.
    pub stream: Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>,
    /// The line that they begin in, from 1.
    pub line: u64,
}

impl Blocks {
    /// `size`: how many bytes the stream is likely to have.
    pub fn new(stream: Box<dyn Read + Send>, size: u64) -> Self {
        // One byte more, so that the end is found without more room.
        let size = usize::try_from(size).unwrap_or(BLOCK).saturating_add(1);
        Self {
            stream,
            buffer: vec![0; size.min(BLOCK)],
            start: 0,
            end: 0,
            ended: false,
            line: 1,
        }
    }

    /// The first line that is not blank, without byte order mark and line end; none where there is none.
    pub fn header(&mut self, object: &ObjectSource) -> Result<Option<Vec<u8>>> {
        loop {
            self.fill(object)?;
            let unread = self.unread();
            if unread.is_empty() {
                return Ok(None);
            }
            let newline = unread.iter().position(|byte| *byte == b'\n');
            if newline.is_none() && unread.len() == MAX_RECORD {
                return Err(self.too_long(object));
            }
            let text = unread
                .get(..newline.unwrap_or(unread.len()))
                .unwrap_or_default();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            let text = text.strip_suffix(b"\r").unwrap_or(text).to_vec();
            self.consume(newline.map_or(unread.len(), |newline| newline + 1));
            self.line += 1;
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
    }

    /// The next whole lines, the last of them with or without its line end, and the number of their first line; none at the
    /// end.
    pub fn next(&mut self, object: &ObjectSource) -> Result<Option<(&[u8], u64)>> {
        self.fill(object)?;
        let unread = self.unread();
        if unread.is_empty() {
            return Ok(None);
        }
        let whole = unread
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map(|newline| newline + 1);
        let length = match whole {
            _ if self.ended => unread.len(),
            Some(length) => length,
            None => return Err(self.too_long(object)),
        };
        let (start, line) = (self.start, self.line);
        self.consume(length);
        Ok(Some((
            self.buffer.get(start..start + length).unwrap_or_default(),
            line,
        )))
    }

    /// Counts the lines of the block just handed out, once it is parsed.
    pub fn count_lines(&mut self, lines: u64) {
        self.line += lines;
    }

    /// What is left, beginning with the `block` just handed out at `line`.
    pub fn rest(self, block: &[u8], line: u64) -> Rest {
        let held = [block, self.unread()].concat();
        Rest {
            stream: Cursor::new(held).chain(self.stream),
            line,
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
    }

    fn too_long(&self, object: &ObjectSource) -> ReadingsError {
        let message = format!(
            "line {} is longer than {MAX_RECORD} bytes; is this a CSV file?",
            self.line
        );
        ReadingsError::unreadable(object.name(), message)
    }

    /// Fills the buffer with a line at least, or reaches the end.
    fn fill(&mut self, object: &ObjectSource) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while !self.ended {
            if self.end == self.buffer.len() {
                if self.end == MAX_RECORD || self.unread().contains(&b'\n') {
                    break;
                }
                self.buffer.resize((2 * self.end).min(MAX_RECORD), 0);
            }
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.stream.read(free) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(object.stream_error(error)),
            }
        }
        Ok(())
    }
}
