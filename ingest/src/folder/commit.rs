use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{Claim, Progress};

/// What an object that processes claim holds: a line of JSON with claim and progress, then the state's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit<P> {
    /// Who works on it.
    pub claim: Claim,
    /// How far the work has come.
    pub progress: P,
    /// What the work goes on from; empty where it needs nothing more.
    pub state: Bytes,
}

/// The longest first line, in bytes: some thousand parts that wait for another partition.
pub(super) const LINE_LIMIT: usize = 1 << 20;

const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<P> {
    version: u64,
    stream: String,
    claim: Claim,
    progress: P,
    state: Sum,
}

#[derive(Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Sum {
    bytes: u64,
    crc32c: u32,
}

impl Sum {
    fn of(state: &[u8]) -> Self {
        Self {
            bytes: state.len() as u64,
            crc32c: crc32c::crc32c(state),
        }
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl<P: Progress> Commit<P> {
    /// The object's bytes, and how many of them are the line.
    pub(super) fn encode(&self, stream: &str) -> Result<(Bytes, usize), String> {
        let line = Line {
            version: VERSION,
            stream: stream.to_owned(),
            claim: self.claim.clone(),
            progress: self.progress.clone(),
            state: Sum::of(&self.state),
        };
        let line = serde_json::to_vec(&line).map_err(|error| error.to_string())?;
        let mut bytes = BytesMut::with_capacity(line.len() + 1 + self.state.len());
        bytes.put_slice(&line);
        bytes.put_u8(b'\n');
        bytes.put_slice(&self.state);
        Ok((bytes.freeze(), line.len()))
    }

    /// Reads a whole object of the stream.
    pub(super) fn decode(bytes: &Bytes, stream: &str) -> Result<Self, String> {
        let (line, end) = Self::line(bytes, stream)?.ok_or("it has no whole first line")?;
        let state = bytes.slice(end..);
        if Sum::of(&state) != line.state {
            return Err(format!(
                "behind its first line are {} bytes, which are not the {} that were written",
                state.len(),
                line.state.bytes
            ));
        }
        Ok(Self {
            claim: line.claim,
            progress: line.progress,
            state,
        })
    }

    /// Claim and progress by an object's first bytes; none where its first line is longer.
    pub(super) fn decode_line(bytes: &[u8], stream: &str) -> Result<Option<(Claim, P)>, String> {
        let line = Self::line(bytes, stream)?;
        Ok(line.map(|(line, _)| (line.claim, line.progress)))
    }

    /// The first line, and where what follows it begins.
    fn line(bytes: &[u8], stream: &str) -> Result<Option<(Line<P>, usize)>, String> {
        let mut within = bytes.iter().take(LINE_LIMIT + 1);
        let Some(end) = within.position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let text = |error: serde_json::Error| error.to_string();
        let Versioned { version } = serde_json::from_slice(&bytes[..end]).map_err(text)?;
        if version != VERSION {
            return Err(format!(
                "it is of version {version}, and this release reads version {VERSION}: install the release that wrote it, or a later one"
            ));
        }
        let line: Line<P> = serde_json::from_slice(&bytes[..end]).map_err(text)?;
        if line.stream != stream {
            return Err(format!("it is of the stream {}", line.stream));
        }
        Ok(Some((line, end + 1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::folder::{Owner, PartitionProgress};

    fn commit(state: &'static [u8]) -> Commit<PartitionProgress> {
        let owner = Owner {
            pod: "pod".to_owned(),
            nonce: "nonce".to_owned(),
        };
        Commit {
            claim: Claim::after(None, owner),
            progress: PartitionProgress {
                next_offset: Some(7),
                ..PartitionProgress::default()
            },
            state: Bytes::from_static(state),
        }
    }

    #[test]
    fn round_trips_with_any_state() {
        for state in [&b""[..], b"\n", b"state\nstate", &[0, 255, 10]] {
            let (bytes, line) = commit(state).encode("s").unwrap();
            assert_eq!(Commit::decode(&bytes, "s").unwrap(), commit(state));
            assert_eq!(bytes[line], b'\n');
            let read = Commit::<PartitionProgress>::decode_line(&bytes[..=line], "s").unwrap();
            assert_eq!(read, Some((commit(state).claim, commit(state).progress)));
            let cut = Commit::<PartitionProgress>::decode_line(&bytes[..line], "s").unwrap();
            assert_eq!(cut, None);
        }
    }

    #[test]
    fn what_is_not_the_stream_s_is_refused() {
        let (bytes, _) = commit(b"state").encode("s").unwrap();
        let decode =
            |bytes: Vec<u8>| Commit::<PartitionProgress>::decode(&bytes.into(), "s").unwrap_err();
        let replaced = |from: &str, to: &str| {
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replace(from, to)
                .into_bytes()
        };
        assert!(decode(replaced("\"version\":1", "\"version\":2")).contains("version 2"));
        assert!(decode(replaced("\"stream\":\"s\"", "\"stream\":\"t\"")).contains("stream t"));
        assert!(decode(replaced("nextOffset", "next")).contains("unknown field"));
        assert!(decode(bytes[..bytes.len() - 1].to_vec()).contains("4 bytes"));
        assert!(decode(vec![b'x'; 2 * LINE_LIMIT]).contains("no whole first line"));
    }

    proptest! {
        #[test]
        fn a_changed_state_is_noticed(place in 0..1000_usize, bit in 0..8_u32) {
            let (bytes, line) = commit(b"some bytes of a state").encode("s").unwrap();
            let mut bytes = bytes.to_vec();
            let place = line + 1 + place % (bytes.len() - line - 1);
            bytes[place] ^= 1_u8 << bit;
            prop_assert!(Commit::<PartitionProgress>::decode(&bytes.into(), "s").is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Commit::<PartitionProgress>::decode(&bytes.into(), "s").is_err());
        }
    }
}
