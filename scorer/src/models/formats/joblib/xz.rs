//! A walk over an xz stream before it is decoded: the decoder allocates whatever dictionary a block asks for, up to 4 GiB.
//!
//! Layout: <https://tukaani.org/xz/xz-file-format.txt>, sections 2.1, 3.1 and 5.3.1; LZMA2's chunks as in the same project.

use crate::models::formats::cursor::Cursor;

/// xz's highest level asks for 64 MiB: 2^26, which the format spells 28.
const LARGEST_DICTIONARY: u8 = 28;
const LZMA2: u8 = 0x21;

/// Bytes that decoding the stream at the start of `bytes` takes: the largest dictionary of its blocks and a little.
///
/// Errors when a block asks for a larger one than any level of xz, or for another filter than LZMA2.
pub fn memory(bytes: &[u8]) -> Result<usize, &'static str> {
    const ENDS: &str = "it ends early";
    let mut most = 0;
    let mut input = Cursor::new(bytes);
    let header = input.array::<12>().ok_or(ENDS)?;
    let check_bytes = match header[7] & 0x0f {
        0 => 0,
        1 => 4,
        4 => 8,
        10 => 32,
        _ => return Err("an unknown kind of check"),
    };
    loop {
        match input.byte().ok_or(ENDS)? {
            0 => return Ok(most + (128 << 10)), // The index: no more blocks.
            size => {
                let header = input.take(usize::from(size) * 4 + 3).ok_or(ENDS)?;
                most = most.max(dictionary(header)?);
            }
        }
        let start = input.position();
        skip_chunks(&mut input).ok_or(ENDS)?;
        let padding = (4 - (input.position() - start) % 4) % 4;
        input.take(padding + check_bytes).ok_or(ENDS)?;
    }
}

/// The dictionary's bytes that a block asks for. `header` lacks its first byte, the size.
fn dictionary(header: &[u8]) -> Result<usize, &'static str> {
    const ENDS: &str = "a block's header ends early";
    let mut header = Cursor::new(header);
    let flags = header.byte().ok_or(ENDS)?;
    if flags & 0x03 != 0 {
        return Err("a block uses other filters than LZMA2");
    }
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            skip_integer(&mut header).ok_or(ENDS)?;
        }
    }
    match header.array::<3>().ok_or(ENDS)? {
        // 2 or 3 times a power of 2, from 4 KiB up.
        [LZMA2, 1, size] if size <= LARGEST_DICTIONARY => {
            Ok((2 | usize::from(size & 1)) << (usize::from(size / 2) + 11))
        }
        [LZMA2, 1, _] => Err("a block asks for a dictionary of more than 64 MiB"),
        _ => Err("a block uses other filters than LZMA2"),
    }
}

/// Skips an integer of 7 bits a byte.
fn skip_integer(input: &mut Cursor<'_>) -> Option<()> {
    while input.byte()? & 0x80 != 0 {}
    Some(())
}

/// Skips LZMA2's chunks and the byte that ends them.
fn skip_chunks(input: &mut Cursor<'_>) -> Option<()> {
    loop {
        let control = input.byte()?;
        match control {
            0 => return Some(()),
            1..0x80 => {
                let size = u16::from_be_bytes(input.array()?);
                input.take(usize::from(size) + 1)?;
            }
            0x80.. => {
                let [_, _, high, low] = input.array()?;
                let properties = usize::from(control >= 0xc0);
                input.take(usize::from(u16::from_be_bytes([high, low])) + 1 + properties)?;
            }
        }
    }
}
