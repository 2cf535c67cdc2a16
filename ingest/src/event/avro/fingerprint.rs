/// That of an empty text, which is also the polynomial.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

/// The 64-bit Rabin fingerprint that Avro calls CRC-64-AVRO.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |sum, byte| {
        (sum >> 8) ^ entry((sum ^ u64::from(*byte)) & 0xff)
    })
}

fn entry(byte: u64) -> u64 {
    (0..8).fold(byte, |entry, _| {
        (entry >> 1) ^ (EMPTY & (entry & 1).wrapping_neg())
    })
}
