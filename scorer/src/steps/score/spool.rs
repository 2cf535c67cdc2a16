use std::io;

use bytes::Bytes;

use super::scratch::{Piece, Scratch};

/// Bytes that grow at their end: the first of them may have been put aside on disk, the others are in memory, in blocks of equal
/// size, so that those of many sensors leave no gaps between them.
#[derive(Debug, Default)]
pub struct Spool {
    aside: Vec<Piece>,
    aside_bytes: u64,
    blocks: Vec<Vec<u8>>,
    /// Bytes in the blocks, and bytes that the blocks take.
    bytes: usize,
    held: usize,
}

impl Spool {
    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.aside_bytes + self.bytes as u64
    }

    /// Bytes of memory.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Bytes on disk.
    pub fn aside(&self) -> u64 {
        self.aside_bytes
    }

    /// Appends bytes, in blocks of `block`.
    pub fn append(&mut self, mut bytes: &[u8], block: usize) {
        self.bytes += bytes.len();
        while !bytes.is_empty() {
            let last = match self.blocks.last_mut() {
                Some(last) if last.len() < last.capacity() => last,
                _ => {
                    let new = Vec::with_capacity(block.max(1));
                    self.held += new.capacity();
                    self.blocks.push(new);
                    continue;
                }
            };
            let room = last.capacity() - last.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            last.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Moves what is in memory to disk. After an error it is in memory still.
    pub fn put_aside(&mut self, scratch: &Scratch) -> io::Result<()> {
        if self.blocks.is_empty() {
            return Ok(());
        }
        let piece = scratch.write(&self.blocks)?;
        self.aside.push(piece);
        self.aside_bytes += piece.length;
        self.take_blocks();
        Ok(())
    }

    /// Takes out the first bytes: at most `limit` of those on disk, or else all that is in memory. None when there are no more.
    pub fn next_part(&mut self, scratch: &Scratch, limit: usize) -> io::Result<Vec<Bytes>> {
        let Some(first) = self.aside.first().copied() else {
            return Ok(self.take_blocks());
        };
        let mut pieces = 0;
        let mut length = 0;
        for piece in &self.aside {
            if pieces > 0 && length + piece.length > limit as u64 {
                break;
            }
            pieces += 1;
            length += piece.length;
        }
        if first.length > limit as u64 {
            return self.part_of_first(scratch, limit);
        }
        let part = self.read(scratch, pieces, length)?;
        Ok(vec![Bytes::from(part)])
    }

    /// Takes out all bytes.
    pub fn take_all(&mut self, scratch: &Scratch) -> io::Result<Vec<u8>> {
        let (pieces, bytes) = (self.aside.len(), self.aside_bytes);
        let mut all = self.read(scratch, pieces, bytes)?;
        all.reserve_exact(self.bytes);
        for block in self.take_blocks() {
            all.extend_from_slice(&block);
        }
        Ok(all)
    }

    /// Forgets everything.
    pub fn clear(&mut self, scratch: &Scratch) {
        self.take_blocks();
        for piece in self.aside.drain(..) {
            scratch.free(piece);
        }
        self.aside_bytes = 0;
    }

    fn take_blocks(&mut self) -> Vec<Bytes> {
        (self.bytes, self.held) = (0, 0);
        let blocks = std::mem::take(&mut self.blocks);
        blocks.into_iter().map(Bytes::from).collect()
    }

    /// Takes the first `pieces` off the disk, which have so many bytes.
    fn read(&mut self, scratch: &Scratch, pieces: usize, bytes: u64) -> io::Result<Vec<u8>> {
        let mut part = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        let mut rest = part.as_mut_slice();
        for piece in self.aside.drain(..pieces) {
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX);
            let (into, after) = rest.split_at_mut(length.min(rest.len()));
            scratch.read(piece, 0, into)?;
            scratch.free(piece);
            rest = after;
        }
        self.aside_bytes -= bytes;
        Ok(part)
    }

    /// Takes the first `limit` bytes of a piece that has more.
    fn part_of_first(&mut self, scratch: &Scratch, limit: usize) -> io::Result<Vec<Bytes>> {
        let mut part = vec![0; limit];
        if let Some(first) = self.aside.first_mut() {
            scratch.read(*first, 0, &mut part)?;
            scratch.free(first.split_off(limit as u64));
        }
        self.aside_bytes -= limit as u64;
        Ok(vec![Bytes::from(part)])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scratch() -> Scratch {
        Scratch::new(vec![std::env::temp_dir()])
    }

    proptest! {
        /// What was appended comes out in order, whatever is put aside in between and however it is taken.
        #[test]
        fn bytes_come_out_in_order(
            steps in prop::collection::vec((0_usize..3000, any::<bool>()), 0..20),
            block in 1_usize..700,
            limit in 1_usize..5000,
            whole in any::<bool>(),
        ) {
            let (scratch, mut spool) = (scratch(), Spool::default());
            let mut expected = Vec::new();
            for (step, (length, aside)) in (0_u8..).zip(steps) {
                let bytes = vec![step; length];
                spool.append(&bytes, block);
                expected.extend_from_slice(&bytes);
                prop_assert!(spool.held() as u64 <= spool.len() + block as u64);
                if aside {
                    spool.put_aside(&scratch).unwrap();
                    prop_assert_eq!(spool.held(), 0);
                }
            }
            prop_assert_eq!(spool.len(), expected.len() as u64);
            let taken = if whole {
                spool.take_all(&scratch).unwrap()
            } else {
                let mut taken = Vec::new();
                loop {
                    let aside = spool.aside();
                    let part = spool.next_part(&scratch, limit).unwrap().concat();
                    prop_assert!(aside == 0 || part.len() <= limit);
                    if part.is_empty() {
                        break;
                    }
                    taken.extend(part);
                }
                taken
            };
            prop_assert_eq!(taken, expected);
            prop_assert_eq!((spool.len(), spool.held(), spool.aside()), (0, 0, 0));
        }
    }

    #[test]
    fn what_cannot_be_put_aside_stays() {
        let (nowhere, mut spool) = (Scratch::new(Vec::new()), Spool::default());
        spool.append(b"abc", 2);
        assert!(spool.put_aside(&nowhere).is_err());
        assert_eq!(spool.take_all(&nowhere).unwrap(), b"abc");
        spool.append(b"abc", 2);
        spool.clear(&nowhere);
        assert_eq!((spool.len(), spool.held()), (0, 0));
    }
}
