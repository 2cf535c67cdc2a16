use std::io::{Chain, Cursor, ErrorKind, Read};

use super::MAX_RECORD;
use crate::{ObjectSource, ReadingsError, Result};

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

/// The line that names the columns.
pub(super) struct HeaderLine {
    /// Its text without byte order mark and line end.
    pub text: Vec<u8>,
    /// Its number.
    pub line: u64,
    /// Whether it has a line end.
    pub whole: bool,
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

    /// The first line that is not blank; none where there is none.
    pub fn header(&mut self, object: &ObjectSource) -> Result<Option<HeaderLine>> {
        let mut block = Vec::new();
        let (mut line, mut blank) = (0, 0);
        loop {
            match self.next(object, &mut block)? {
                Next::Lines => {}
                Next::End => return Ok(None),
                Next::TooLong if block.contains(&b'\r') => return Err(lone_returns(object)),
                Next::TooLong => return Err(too_long(object, line + 1)),
            }
            blank += block.len();
            if blank > 2 * MAX_RECORD {
                let message =
                    format!("there is no header in the first {line} lines, which are blank");
                return Err(ReadingsError::unreadable(object.name(), message));
            }
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                line += 1;
                let end = rest.iter().position(|byte| *byte == b'\n');
                let (text, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
                let whole = text.ends_with(b"\n");
                let text = text.strip_suffix(b"\n").unwrap_or(text);
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                let text = trim_returns(text);
                if text.contains(&b'\r') {
                    return Err(lone_returns(object));
                }
                if !text.is_empty() {
                    let text = text.to_vec();
                    self.unread(after);
                    return Ok(Some(HeaderLine { text, line, whole }));
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

    /// Whether `block`, which was just handed out, is the last one and its last line has no line end.
    pub fn ends_open(&self, block: &[u8]) -> bool {
        self.ended && self.ahead.is_empty() && block.last().is_some_and(|byte| *byte != b'\n')
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

/// Without the carriage returns at the end: one belongs to the line end, and a conversion that was made twice leaves two.
pub(super) fn trim_returns(mut text: &[u8]) -> &[u8] {
    while let [before @ .., b'\r'] = text {
        text = before;
    }
    text
}

/// The error of a text whose lines end in carriage returns alone.
fn lone_returns(object: &ObjectSource) -> ReadingsError {
    let message = "its lines end in carriage returns (CR) alone, as old Macs and some loggers write them; \
                   make them line feeds, for example with: tr '\\r' '\\n'";
    ReadingsError::unreadable(object.name(), message)
}

/// The error of a line that is too long.
pub(super) fn too_long(object: &ObjectSource, line: u64) -> ReadingsError {
    let message = format!("line {line} is longer than {MAX_RECORD} bytes; is this a CSV file?");
    ReadingsError::unreadable(object.name(), message)
}
