use std::io::{self, Read};

/// What stands in place of a field's type at the end of a struct.
pub(super) const STOP: u8 = 0;

/// Structs within structs that are passed over.
const DEPTH: u8 = 16;

/// Thrift's compact protocol, as far as fields are to be found, or passed over.
pub(super) struct Compact<R> {
    input: R,
    taken: u64,
}

impl<R: Read> Compact<R> {
    pub fn new(input: R) -> Self {
        Self { input, taken: 0 }
    }

    /// Bytes that were read.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads a field's head: its type, which is [`STOP`] at the end of the struct, and its number into `id`.
    pub fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        if head == STOP {
            return Some(STOP);
        }
        *id = match head >> 4 {
            0 => self.integer()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(head & 15)
    }

    /// Reads a whole number.
    pub fn integer(&mut self) -> Option<i64> {
        let number = self.number()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 0 { half } else { !half })
    }

    /// Passes over a field of a type.
    pub fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_value(kind, DEPTH)
    }

    fn skip_value(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(length)
            }
            9 | 10 => self.skip_list(depth),
            12 => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        STOP => return Some(()),
                        kind => self.skip_value(kind, depth)?,
                    }
                }
            }
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: u8) -> Option<()> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.number()?,
            count => u64::from(count),
        };
        for _ in 0..count {
            // In a list, a boolean takes a byte.
            match head & 15 {
                1 | 2 => self.pass(1)?,
                kind => self.skip_value(kind, depth)?,
            }
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).ok()?;
        self.taken += 1;
        Some(byte[0])
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let passed = io::copy(&mut self.input.by_ref().take(count), &mut io::sink()).ok()?;
        self.taken += passed;
        (passed == count).then_some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}
