/// Appends bytes, which are mostly a few: copies of a length that is known when this is compiled need no call. What lies between two
/// such lengths is copied as its first and its last half, which overlap.
#[inline]
pub fn push_short(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        16..=32 => push_halves::<16>(out, bytes),
        8..16 => push_halves::<8>(out, bytes),
        4..8 => push_halves::<4>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Appends from N to 2 N bytes.
#[inline]
fn push_halves<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) else {
        return;
    };
    let end = out.len() + bytes.len();
    out.extend_from_slice(first);
    out.truncate(end - N);
    out.extend_from_slice(last);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_appended() {
        let bytes: Vec<u8> = (0..100).collect();
        let (mut out, mut expected) = (Vec::new(), Vec::new());
        for length in (0..=bytes.len()).chain([1, 17, 3, 40, 8]) {
            push_short(&mut out, &bytes[..length]);
            expected.extend_from_slice(&bytes[..length]);
            assert_eq!(out, expected);
        }
    }
}
