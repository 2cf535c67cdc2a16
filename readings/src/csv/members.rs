use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// A gzip stream as text: its members one after the other, as `cat` and `bgzip` leave them. Zeros behind a member are padding,
/// as tapes and page blobs have it.
pub(super) struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(packed: R) -> Self {
        Self {
            member: Some(GzDecoder::new(packed)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer).map_err(named)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(mut packed) = self.member.take().map(GzDecoder::into_inner)
                && skip_zeros(&mut packed)?
            {
                self.member = Some(GzDecoder::new(packed));
            }
        }
        Ok(0)
    }
}

/// Skips zeros; whether anything follows.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = packed.fill_buf()?;
        let length = bytes.len();
        if length == 0 {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        packed.consume(zeros);
        if zeros < length {
            return Ok(true);
        }
    }
}

/// Says that it is the gzip stream that is wrong, unless it is storage.
fn named(error: io::Error) -> io::Error {
    let inner = error.get_ref();
    let of_storage =
        inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<object_store::Error>);
    if of_storage || error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    let message = format!("its gzip stream is cut off or damaged ({error}); write it again");
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn text(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Members::new(packed).read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn members_follow_each_other_and_zeros_are_padding() {
        let (one, two) = (packed(b"one\n"), packed(b"two\n"));
        let zeros = vec![0; 1000];
        for (stream, expected) in [
            ([one.clone(), two.clone()].concat(), "one\ntwo\n"),
            ([one.clone(), zeros.clone()].concat(), "one\n"),
            (
                [one.clone(), zeros.clone(), two.clone()].concat(),
                "one\ntwo\n",
            ),
            ([packed(b""), two.clone()].concat(), "two\n"),
        ] {
            assert_eq!(text(&stream).unwrap(), expected.as_bytes());
        }
        for stream in [
            one[..one.len() - 1].to_vec(),
            [one.clone(), b"more".to_vec()].concat(),
            [one, zeros, b"more".to_vec()].concat(),
        ] {
            let error = text(&stream).unwrap_err().to_string();
            assert!(
                error.contains("gzip stream is cut off or damaged"),
                "{error}"
            );
        }
    }
}
