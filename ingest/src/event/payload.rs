use std::io::{BufRead, Read};

use flate2::bufread::GzDecoder;

/// Bytes that a packed payload may have when it is unpacked.
pub(super) const MAX_UNPACKED: usize = 16 << 20;

/// How a gzip stream begins, with the only method there is.
const GZIP: &[u8] = b"\x1f\x8b\x08";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The payload without packing; `buffer` holds it where it was packed.
pub(super) fn unpacked<'a>(body: &'a [u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], String> {
    if !body.starts_with(GZIP) {
        return Ok(body);
    }
    buffer.clear();
    let mut rest = body;
    while !rest.is_empty() {
        let room = MAX_UNPACKED.saturating_sub(buffer.len()) as u64 + 1;
        let mut member = GzDecoder::new(rest).take(room);
        (member.read_to_end(buffer))
            .map_err(|error| format!("the gzip stream is cut off or damaged: {error}"))?;
        if buffer.len() > MAX_UNPACKED {
            return Err(format!(
                "it unpacks to more than {} MiB",
                MAX_UNPACKED >> 20
            ));
        }
        rest = member.into_inner().into_inner();
        // Zeros behind a member are padding.
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        rest.consume(zeros);
    }
    Ok(buffer)
}

/// A text without its byte order mark.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}
