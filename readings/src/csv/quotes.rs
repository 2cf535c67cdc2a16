use std::fmt;
use std::io::{self, Read};

use super::MAX_RECORD;

/// Where a CSV text is, as far as quotes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a field.
    Start,
    /// In a field without quotes, where a quote is text.
    Plain,
    /// In a field with quotes.
    Quoted,
    /// After a quote in such a field: its end, or the first half of a quote that is text.
    Closed,
    /// After the carriage return behind such a field.
    Return,
}

/// What is wrong with the quotes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuoteFault {
    /// A quote is never closed.
    Open { line: u64 },
    /// Text follows a closing quote.
    Text { opened: u64, closed: u64 },
    /// A record takes more than its share of bytes.
    TooLong { line: u64, quote: Option<u64> },
}

impl fmt::Display for QuoteFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { line } => write!(
                out,
                "the quote that opens in line {line} is never closed; close it, or write it twice where it is text"
            ),
            Self::Text { opened, closed } if opened == closed => write!(
                out,
                "in line {opened}, text follows a closing quote; write a quote twice where it is text"
            ),
            Self::Text { opened, closed } => write!(
                out,
                "the quote that opens in line {opened} closes in line {closed} with text behind it; is it left open? \
                 Close it in its line, or write it twice where it is text"
            ),
            Self::TooLong {
                line,
                quote: Some(quote),
            } => write!(
                out,
                "the record at line {line} is longer than {MAX_RECORD} bytes; is the quote that opens in line {quote} left open?"
            ),
            Self::TooLong { line, quote: None } => write!(
                out,
                "the record at line {line} is longer than {MAX_RECORD} bytes; is this a CSV file?"
            ),
        }
    }
}

/// Watches the quotes of a text on its way to the parser, which takes whatever it gets: what is behind a fault never gets there.
pub(super) struct Quotes<R> {
    inner: R,
    watch: Watch,
    /// Bytes that the record may still ask for, and the line where it begins.
    left: usize,
    record: u64,
    fault: Option<QuoteFault>,
    /// Whether the last byte has been read, and what it was.
    ended: bool,
    last: u8,
}

impl<R> Quotes<R> {
    /// Watches `inner`, whose first line has the number `line`.
    pub fn new(inner: R, line: u64) -> Self {
        Self {
            inner,
            watch: Watch::new(line),
            left: 0,
            record: line,
            fault: None,
            ended: false,
            last: b'\n',
        }
    }

    /// A record begins at `line`.
    pub fn begin(&mut self, line: u64) {
        (self.left, self.record) = (MAX_RECORD, line);
    }

    /// What is wrong, once the reader has said that something is.
    pub fn fault(&self) -> Option<QuoteFault> {
        self.fault
    }

    /// Whether the text has ended without a line end. A record that the parser hands out from then on is the last one.
    pub fn ends_open(&self) -> bool {
        self.ended && self.last != b'\n'
    }

    /// Whether the text has ended within a quoted field of its last line.
    pub fn ends_quoted(&self) -> bool {
        self.ended && self.watch.state == State::Quoted
    }

    fn fail(&mut self, fault: QuoteFault) -> io::Error {
        self.fault = Some(fault);
        io::ErrorKind::InvalidData.into()
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault {
            return Err(self.fail(fault));
        }
        if self.left == 0 {
            let quote = (self.watch.state == State::Quoted).then_some(self.watch.opened);
            let line = self.record;
            return Err(self.fail(QuoteFault::TooLong { line, quote }));
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        if count == 0 && !buffer.is_empty() {
            self.ended = true;
            let Watch {
                state,
                line,
                opened,
            } = self.watch;
            // Within the last line it may be a writer that is still at it.
            if state == State::Quoted && line != opened {
                return Err(self.fail(QuoteFault::Open { line: opened }));
            }
            return Ok(0);
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        self.last = bytes.last().copied().unwrap_or(self.last);
        let (sound, fault) = self.watch.scan(bytes);
        self.fault = fault;
        match fault {
            Some(fault) if sound == 0 => Err(self.fail(fault)),
            _ => Ok(sound),
        }
    }
}

/// What has been seen of a text.
#[derive(Clone, Copy, Debug)]
struct Watch {
    state: State,
    line: u64,
    /// The line in which the last quoted field began.
    opened: u64,
}

impl Watch {
    fn new(line: u64) -> Self {
        Self {
            state: State::Start,
            line,
            opened: line,
        }
    }

    /// Goes through `bytes`; returns how many of them come before the first fault.
    fn scan(&mut self, bytes: &[u8]) -> (usize, Option<QuoteFault>) {
        for (position, byte) in bytes.iter().enumerate() {
            if let Some(fault) = self.step(*byte) {
                return (position, Some(fault));
            }
        }
        (bytes.len(), None)
    }

    fn step(&mut self, byte: u8) -> Option<QuoteFault> {
        self.state = match (self.state, byte) {
            (State::Start, b'"') => {
                self.opened = self.line;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Closed,
            (State::Closed, b'"') | (State::Quoted, _) => State::Quoted,
            (_, b'\n') | (State::Start | State::Plain | State::Closed, b',') => State::Start,
            (State::Start | State::Plain, _) => State::Plain,
            (State::Closed | State::Return, b'\r') => State::Return,
            (State::Closed | State::Return, _) => {
                return Some(QuoteFault::Text {
                    opened: self.opened,
                    closed: self.line,
                });
            }
        };
        self.line += u64::from(byte == b'\n');
        None
    }
}

/// What is wrong with the quotes of a line that is to be whole.
pub(super) fn line_fault(text: &[u8], line: u64) -> Option<QuoteFault> {
    let mut watch = Watch::new(line);
    let (_, fault) = watch.scan(text);
    fault.or((watch.state == State::Quoted).then_some(QuoteFault::Open { line }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What gets through, and what is wrong.
    fn through(text: &str, piece: usize) -> (String, Option<QuoteFault>) {
        let mut quotes = Quotes::new(text.as_bytes(), 1);
        quotes.begin(1);
        let (mut sound, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            match quotes.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => sound.extend_from_slice(&buffer[..count]),
            }
        }
        (String::from_utf8(sound).unwrap(), quotes.fault())
    }

    #[test]
    fn nothing_behind_a_fault_gets_through() {
        let text = |opened, closed| Some(QuoteFault::Text { opened, closed });
        for (bad, sound, fault) in [
            ("a,\"b\"c\n1,2\n", "a,\"b\"", text(1, 1)),
            ("a\n\"b\" ,c\n", "a\n\"b\"", text(2, 2)),
            ("a\n\"b\r\nc,\"d\n", "a\n\"b\r\nc,\"", text(2, 3)),
            ("\"a\"\rb\n", "\"a\"\r", text(1, 1)),
            (
                "a\n1,\"b\n1,c\n",
                "a\n1,\"b\n1,c\n",
                Some(QuoteFault::Open { line: 2 }),
            ),
        ] {
            for piece in [1, 2, 3, 64] {
                assert_eq!(
                    through(bad, piece),
                    (sound.to_owned(), fault),
                    "{bad:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn sound_quotes_get_through() {
        for text in [
            "",
            "a,b\n",
            "a \"b\" c,5\" pipe\n",
            "\"a\",\"b\"\r\n\"\",\"\"\"\"\n",
            "\"a\nb\",c",
            "\"a\"",
            "a\n\"b",
        ] {
            assert_eq!(through(text, 2), (text.to_owned(), None));
        }
    }
}
