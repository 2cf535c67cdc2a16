use bytes::Bytes;

/// Bytes after which a segment is closed.
const SEGMENT: usize = 1 << 18;

/// Bytes that grow at their end, in segments: so they need not be moved to a larger place over and over.
#[derive(Debug, Default)]
pub struct Segments {
    closed: Vec<Bytes>,
    closed_bytes: usize,
    open: Vec<u8>,
}

impl Segments {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.closed_bytes + self.open.len()
    }

    /// Lets `write` append bytes.
    pub fn append<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let written = write(&mut self.open);
        if self.open.len() >= SEGMENT {
            // With room for the piece that closes it, as far as that is not large by itself.
            let next = Vec::with_capacity(SEGMENT + SEGMENT / 4);
            let full = std::mem::replace(&mut self.open, next);
            self.closed_bytes += full.len();
            self.closed.push(Bytes::from(full));
        }
        written
    }

    /// Takes all bytes out.
    pub fn take(&mut self) -> Vec<Bytes> {
        let mut all = std::mem::take(&mut self.closed);
        if !self.open.is_empty() {
            all.push(Bytes::from(std::mem::take(&mut self.open)));
        }
        self.closed_bytes = 0;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_comes_out_in_order() {
        let mut segments = Segments::default();
        let mut expected = Vec::new();
        for step in 0..40_u8 {
            let piece = vec![step; 50_000];
            segments.append(|out| out.extend_from_slice(&piece));
            expected.extend_from_slice(&piece);
            assert_eq!(segments.len(), expected.len());
        }
        let taken = segments.take();
        assert!(taken.len() > 1);
        assert_eq!(taken.concat(), expected);
        assert_eq!((segments.len(), segments.take().len()), (0, 0));
        segments.append(|out| out.push(1));
        assert_eq!(segments.take().concat(), [1]);
    }
}
