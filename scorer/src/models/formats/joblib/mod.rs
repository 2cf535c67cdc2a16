//! Compressed pickles, as `joblib.dump(..., compress=...)` writes them. joblib's arrays are the pickle machine's matter.

mod xz;

use std::io::Read;

use super::limits;
use crate::models::ModelError;

/// How a pickle is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// zlib
    Zlib,
    /// gzip
    Gzip,
    /// bzip2
    Bzip2,
    /// xz
    Xz,
    /// LZMA alone, the older format of xz.
    Lzma,
    /// An LZ4 frame.
    Lz4,
}

/// KiB that LZMA's decoder may use; the highest level of compression needs 64 MiB and a little.
const LZMA_KIB: u32 = 80 << 10;

impl Compression {
    /// Recognises the first bytes.
    pub fn recognise(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Self::Zlib),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x5d, 0, 0, ..] => Some(Self::Lzma),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
        }
    }

    /// Decompresses; errors when that gives more than `limit` bytes.
    pub fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, ModelError> {
        let damaged = |problem: String| ModelError::Malformed {
            format: self.name(),
            problem,
        };
        let reader: Box<dyn Read + '_> = match self {
            Self::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(bytes)),
            Self::Gzip => Box::new(flate2::bufread::GzDecoder::new(bytes)),
            Self::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(bytes)),
            Self::Xz => {
                xz::check_memory(bytes).map_err(|problem| damaged(problem.to_owned()))?;
                Box::new(lzma_rust2::XzReader::new(bytes, false))
            }
            Self::Lzma => {
                let reader = lzma_rust2::LzmaReader::new_mem_limit(bytes, LZMA_KIB, None);
                Box::new(reader.map_err(|error| damaged(error.to_string()))?)
            }
            Self::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(bytes)),
        };
        let mut decompressed = Vec::new();
        let mut bounded = reader.take(limit as u64 + 1);
        bounded
            .read_to_end(&mut decompressed)
            .map_err(|error| damaged(error.to_string()))?;
        limits::check_bytes("the decompressed file", decompressed.len(), limit)?;
        Ok(decompressed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 4 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        let error = Compression::Zlib.decompress(&bomb, 1 << 20).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
        assert_eq!(
            Compression::Zlib.decompress(&bomb, 4 << 20).unwrap().len(),
            4 << 20
        );
    }
}
