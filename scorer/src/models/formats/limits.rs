//! What a model file may cost. A real model is thousands of times smaller.

use std::io::Read;

use crate::models::ModelError;

/// Bytes of a file.
pub const FILE_BYTES: usize = 256 << 20;
/// Bytes that a compressed file may become.
pub const DECOMPRESSED_BYTES: usize = 512 << 20;
/// Numbers of one array.
pub const ARRAY_NUMBERS: usize = 32 << 20;
/// Operations of a pickle, and nodes of a skops schema or an ONNX graph.
pub const STEPS: usize = 1_000_000;
/// Bytes of memory where nobody says less; see [`Allowance`].
const MEMORY: usize = 2 << 30;

/// What reading a model may take.
#[derive(Clone, Copy)]
pub struct Allowance<'s> {
    /// Bytes of memory at most, beside those of the file.
    pub memory: usize,
    /// Asked now and then: whether to give up.
    pub stopped: &'s (dyn Fn() -> bool + Sync),
}

impl Default for Allowance<'_> {
    fn default() -> Self {
        Self {
            memory: MEMORY,
            stopped: &|| false,
        }
    }
}

/// Counts what reading takes, and ends it when that is too much. What is counted is not given back: the sum is a bound on what
/// is held at any time.
pub struct Meter<'s> {
    allowance: Allowance<'s>,
    used: usize,
}

impl<'s> Meter<'s> {
    /// Nothing is taken yet.
    pub fn new(allowance: Allowance<'s>) -> Self {
        Self { allowance, used: 0 }
    }

    /// Bytes that were counted so far.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Counts bytes that are about to be held.
    pub fn take(&mut self, bytes: usize) -> Result<(), ModelError> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.allowance.memory {
            return Err(self.exceeded(0));
        }
        Ok(())
    }

    /// Counts `count` items of a vector that grows by doubling, which holds three times its items while it does.
    pub fn grow<T>(&mut self, count: usize) -> Result<(), ModelError> {
        self.take(count.saturating_mul(3 * size_of::<T>()))
    }

    /// Errors when the reading shall end.
    pub fn go_on(&self) -> Result<(), ModelError> {
        if (self.allowance.stopped)() {
            return Err(ModelError::Stopped);
        }
        Ok(())
    }

    /// The error of a need for so many bytes more than are taken.
    fn exceeded(&self, more: usize) -> ModelError {
        ModelError::TooMuchMemory {
            needed: self.used.saturating_add(more),
            allowed: self.allowance.memory,
        }
    }

    /// Reads all that a decoder gives behind what is in `content` already.
    ///
    /// Errors when that is more than [`DECOMPRESSED_BYTES`], or takes more memory than is left; then the rest is counted, so that
    /// the error can say how much it is.
    pub fn read_all(
        &mut self,
        reader: &mut dyn Read,
        content: &mut Vec<u8>,
        damaged: impl Fn(&std::io::Error) -> ModelError,
    ) -> Result<(), ModelError> {
        let mut piece = vec![0; 64 << 10];
        let mut refused: Option<usize> = None;
        loop {
            self.go_on()?;
            let count = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(&error)),
            };
            let total = refused.unwrap_or(content.len()) + count;
            check_bytes("the decompressed file", total, DECOMPRESSED_BYTES)?;
            if refused.is_none() && self.reserve(content, count).is_ok() {
                content.extend_from_slice(&piece[..count]);
            } else {
                *content = Vec::new();
                refused = Some(total);
            }
        }
        match refused {
            // The decompressed file, and the numbers in it once more.
            Some(total) => Err(self.exceeded(total.saturating_mul(2))),
            None => Ok(()),
        }
    }

    /// Makes room by growing to half as much again, and counts the larger buffer; it and the smaller are held for a moment.
    fn reserve(&mut self, content: &mut Vec<u8>, more: usize) -> Result<(), ModelError> {
        if content.capacity() - content.len() >= more {
            return Ok(());
        }
        let capacity = (content.len() + more).max(content.capacity() / 2 * 3);
        self.take(capacity)?;
        content.reserve_exact(capacity - content.len());
        Ok(())
    }
}

/// Errors when `bytes` exceeds `limit`.
pub fn check_bytes(what: &str, bytes: usize, limit: usize) -> Result<(), ModelError> {
    if bytes > limit {
        let limit = format!("{} MiB", limit >> 20);
        return Err(ModelError::TooLarge {
            what: what.to_owned(),
            limit,
        });
    }
    Ok(())
}

/// Errors when an array would hold more than [`ARRAY_NUMBERS`].
pub fn check_numbers(what: &str, numbers: Option<usize>) -> Result<usize, ModelError> {
    match numbers {
        Some(numbers) if numbers <= ARRAY_NUMBERS => Ok(numbers),
        _ => Err(ModelError::TooLarge {
            what: what.to_owned(),
            limit: format!("{ARRAY_NUMBERS} numbers"),
        }),
    }
}

/// Whether bytes behind a file's end hold nothing: storage that knows blocks only pads with zeros, editors add line ends.
pub fn is_padding(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}
