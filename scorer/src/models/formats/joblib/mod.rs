//! Compressed pickles, as `joblib.dump(..., compress=...)` writes them. joblib's arrays are the pickle machine's matter.

mod xz;

use std::io::Read;

use super::limits::{self, Meter};
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

/// Streams in one file; a compressor that splits its work makes one of some 100 KiB.
const MOST_STREAMS: usize = 10_000;
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

    /// Decompresses one stream at the start of `rest`, which is moved on behind it.
    fn stream(
        self,
        rest: &mut &[u8],
        content: &mut Vec<u8>,
        meter: &mut Meter<'_>,
    ) -> Result<(), ModelError> {
        let damaged = |problem: String| ModelError::Malformed {
            format: self.name(),
            problem: format!("{problem}; it is damaged or cut off: copy or save it again"),
        };
        meter.take(
            self.buffers(rest)
                .map_err(|problem| damaged(problem.to_owned()))?,
        )?;
        let mut reader: Box<dyn Read + '_> = match self {
            Self::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(rest)),
            Self::Gzip => Box::new(flate2::bufread::GzDecoder::new(rest)),
            Self::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(rest)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(rest, false)),
            Self::Lzma => {
                let reader = lzma_rust2::LzmaReader::new_mem_limit(rest, LZMA_KIB, None);
                Box::new(reader.map_err(|error| damaged(error.to_string()))?)
            }
            Self::Lz4 => Box::new(Lz4(lz4_flex::frame::FrameDecoder::new(rest), false)),
        };
        meter.read_all(&mut reader, content, |error| damaged(error.to_string()))
    }

    /// Bytes that the decoder of the stream at the start of `bytes` holds.
    fn buffers(self, bytes: &[u8]) -> Result<usize, &'static str> {
        Ok(match self {
            Self::Zlib | Self::Gzip => 64 << 10,
            Self::Bzip2 => 4 << 20,
            Self::Xz => xz::memory(bytes)?,
            Self::Lzma => {
                let size = bytes.get(1..5).and_then(|size| size.try_into().ok());
                let size = size.map_or(u32::MAX, u32::from_le_bytes);
                usize::try_from(size)
                    .unwrap_or(usize::MAX)
                    .min(LZMA_KIB as usize * 1024)
            }
            // Blocks of up to 64 KiB, 256 KiB, 1 MiB or 4 MiB, as the frame's second byte says, three of them.
            Self::Lz4 => match bytes.get(5).map_or(7, |descriptor| descriptor >> 4 & 7) {
                ..=4 => 3 * (64 << 10),
                5 => 3 * (256 << 10),
                6 => 3 << 20,
                7.. => 12 << 20,
            },
        })
    }
}

/// Decompresses a file: one stream, or several that follow each other, as parallel compressors write them.
///
/// Errors when something else follows, or it takes more memory than may be taken.
pub fn decompress(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Vec<u8>, ModelError> {
    let mut content = Vec::new();
    let mut rest = bytes;
    for _ in 0..MOST_STREAMS {
        let Some(compression) = Compression::recognise(rest) else {
            return Err(ModelError::Unsupported(format!(
                "{} bytes of something else follow the compressed data, which ends at byte {}: save the model again, alone in its file",
                rest.len(),
                bytes.len() - rest.len()
            )));
        };
        compression.stream(&mut rest, &mut content, meter)?;
        if limits::is_padding(rest) {
            return Ok(content);
        }
    }
    Err(ModelError::TooLarge {
        what: "the compressed file".into(),
        limit: format!("{MOST_STREAMS} streams"),
    })
}

/// Ends behind one frame; the decoder itself would go on with the next.
struct Lz4<'r, 'b>(lz4_flex::frame::FrameDecoder<&'r mut &'b [u8]>, bool);

impl Read for Lz4<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1 {
            return Ok(0);
        }
        let count = self.0.read(buffer)?;
        self.1 = count == 0;
        Ok(count)
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
        let decompress = |memory| {
            let allowance = limits::Allowance {
                memory,
                ..limits::Allowance::default()
            };
            decompress(&bomb, &mut Meter::new(allowance))
        };
        let Err(ModelError::TooMuchMemory { needed, allowed }) = decompress(1 << 20) else {
            panic!("decompressed")
        };
        assert_eq!(allowed, 1 << 20);
        assert!(needed >= 8 << 20, "the file and its numbers: {needed}");
        assert_eq!(decompress(32 << 20).unwrap().len(), 4 << 20);
    }
}
