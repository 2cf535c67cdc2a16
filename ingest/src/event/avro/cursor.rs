/// A place in bytes that are read one value after the other.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Values that may still come: those that take no bytes, such as null, would be without end.
    values: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            values: 10_000 + 64 * bytes.len(),
        }
    }

    /// Whether all has been read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(format!(
                "it ends within a value: {length} bytes should follow, {} do",
                self.rest.len()
            )),
        }
    }

    /// The next bytes, as many as are wanted.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let bytes = self.take(N)?;
        bytes
            .try_into()
            .map_err(|_| "it ends within a value".to_owned())
    }

    /// A whole number: seven bits a byte, the low ones first, the sign in the lowest.
    pub fn long(&mut self) -> Result<i64, String> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err("a whole number has more than 64 bits".to_owned())
    }

    /// Bytes or text behind their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], String> {
        let length = self.long()?;
        self.take(usize::try_from(length).map_err(|_| format!("a length is {length}"))?)
    }

    /// How many items the next block of a list or map has; 0 behind the last one.
    pub fn block(&mut self) -> Result<usize, String> {
        let count = self.long()?;
        if count < 0 {
            // How many bytes the block has.
            self.long()?;
        }
        Ok(usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX))
    }

    /// One more value is read.
    pub fn count_value(&mut self) -> Result<(), String> {
        self.values = (self.values.checked_sub(1))
            .ok_or("it has far more values than bytes, such as a long list of nulls")?;
        Ok(())
    }
}
