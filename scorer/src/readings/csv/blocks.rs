use std::io::{Chain, Cursor, ErrorKind, Read};

use super::MAX_RECORD;
use crate::readings::{ObjectSource, ReadingsError, Result};

/// Bytes of a block, unless a line is longer.
pub(super) const BLOCK: usize = 1 << 17;

/// What came of reading a block.
pub(super) enum Next {
    /// There are lines in it.
    Lines,
    /// The stream has ended.
    End,
    /// The next line is too long.
    TooLong,
}

/// The bytes of a stream from some block on.
pub(super) type Rest = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// A stream of bytes cut into blocks of whole lines.
pub(super) struct Blocks {
    stream: Box<dyn Read + Send>,
    /// The beginning of the next block, which came with the last line of the one before.
    ahead: Vec<u8>,
    /// Bytes that a block should have.
    size: usize,
    /// Whether the stream has ended.
    ended: bool,
}

impl Blocks {
    /// `size`: how many bytes the stream is likely to have.
    pub fn new(stream: Box<dyn Read + Send>, size: u64) -> Self {
        // One byte more, so that the end is found without more room.
        let size = usize::try_from(size).unwrap_or(BLOCK).saturating_add(1);
        Self {
            stream,
            ahead: Vec::new(),
            size: size.min(BLOCK),
            ended: false,
        }
    }

    /// The first line that is not blank, without byte order mark and line end, and its number; none where there is none.
    pub fn header(&mut self, object: &ObjectSource) -> Result<Option<(Vec<u8>, u64)>> {
        let mut block = Vec::new();
        let mut line = 0;
        loop {
            match self.next(object, &mut block)? {
                Next::Lines => {}
                Next::End => return Ok(None),
                Next::TooLong => return Err(too_long(object, line + 1)),
            }
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                line += 1;
                let end = rest.iter().position(|byte| *byte == b'\n');
                let (text, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
                let text = text.strip_suffix(b"\n").unwrap_or(text);
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                if !text.is_empty() {
                    self.unread(after);
                    return Ok(Some((text.to_vec(), line)));
                }
                rest = after;
            }
        }
    }

    /// Reads the next whole lines, the last of them with or without its line end, into `block`.
    pub fn next(&mut self, object: &ObjectSource, block: &mut Vec<u8>) -> Result<Next> {
        let mut length = self.ahead.len();
        // What is in the block from last time is overwritten rather than cleared: that spares filling it with zeros.
        block.resize(self.size.max(length), 0);
        if let Some(start) = block.get_mut(..length) {
            start.copy_from_slice(&self.ahead);
        }
        self.ahead.clear();
        let whole = loop {
            self.fill(object, block, &mut length)?;
            if self.ended {
                break length;
            }
            if let Some(newline) = block.iter().rposition(|byte| *byte == b'\n') {
                break newline + 1;
            }
            if length >= MAX_RECORD {
                return Ok(Next::TooLong);
            }
            block.resize((2 * length).min(MAX_RECORD), 0);
        };
        self.ahead
            .extend_from_slice(block.get(whole..length).unwrap_or_default());
        block.truncate(whole);
        Ok(if whole > 0 { Next::Lines } else { Next::End })
    }

    /// What is left, beginning with `block`, which was just handed out.
    pub fn rest(mut self, block: &[u8]) -> Rest {
        self.unread(block);
        Cursor::new(self.ahead).chain(self.stream)
    }

    /// Puts bytes that were handed out back before those that were not.
    fn unread(&mut self, bytes: &[u8]) {
        self.ahead = [bytes, &self.ahead].concat();
    }

    /// Reads until the block is full, or to the end of the stream.
    fn fill(&mut self, object: &ObjectSource, block: &mut [u8], length: &mut usize) -> Result<()> {
        while !self.ended && *length < block.len() {
            let free = block.get_mut(*length..).unwrap_or_default();
            match self.stream.read(free) {
                Ok(0) => self.ended = true,
                Ok(count) => *length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(object.stream_error(error)),
            }
        }
        Ok(())
    }
}

/// The error of a line that is too long.
pub(super) fn too_long(object: &ObjectSource, line: u64) -> ReadingsError {
    let message = format!("line {line} is longer than {MAX_RECORD} bytes; is this a CSV file?");
    ReadingsError::unreadable(object.name(), message)
}
