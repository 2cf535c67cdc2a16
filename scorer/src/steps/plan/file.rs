//! The plan as an object: JSON lines of equal width, so that a pod reads just its slice of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::PlanEntry;

/// The plan's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanHeader {
    /// Version of the format: 1.
    pub version: u32,
    /// Sensors in the plan: the number of lines after this one.
    pub sensors: u64,
    /// Sensors that one shard scores.
    pub sensors_per_shard: u32,
    /// Bytes of every line, the line feed included.
    pub width: u64,
}

/// Bytes that are sure to hold the header.
pub const HEADER_BYTES: u64 = 128;

/// Why a plan cannot be read.
#[derive(Debug, Error)]
pub enum PlanFileError {
    /// A line is not what this version writes.
    #[error("the plan is damaged at its line {line}: {source}; run the plan step again")]
    Damaged {
        /// Number of the line, from 1.
        line: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// Another version wrote it.
    #[error(
        "the plan has version {found}, this program reads version 1; use the same version for all steps"
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// It ends too early.
    #[error("the plan ends before its line {line}; run the plan step again")]
    Truncated {
        /// Number of the line that is missing, from 1.
        line: u64,
    },
}

impl PlanHeader {
    /// Reads the header from the plan's first bytes ([`HEADER_BYTES`] are enough).
    pub fn parse(bytes: &[u8]) -> Result<Self, PlanFileError> {
        let line = bytes
            .split(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default();
        let header: Self = serde_json::from_slice(line)
            .map_err(|source| PlanFileError::Damaged { line: 1, source })?;
        if header.version == 1 {
            Ok(header)
        } else {
            Err(PlanFileError::Version {
                found: header.version,
            })
        }
    }

    /// Number of shards: sensors over sensors per shard, rounded up.
    pub fn shards(&self) -> u64 {
        self.sensors
            .div_ceil(u64::from(self.sensors_per_shard.max(1)))
    }

    /// Positions in the plan of the sensors of `shard`; empty when there is no such shard.
    pub fn sensors_of(&self, shard: u32) -> Range<u64> {
        let size = u64::from(self.sensors_per_shard.max(1));
        let start = (u64::from(shard) * size).min(self.sensors);
        start..(start + size).min(self.sensors)
    }

    /// The bytes that hold the sensors at `positions`.
    pub fn bytes_of(&self, positions: &Range<u64>) -> Range<u64> {
        let start_of = |position: u64| position.saturating_add(1).saturating_mul(self.width);
        start_of(positions.start)..start_of(positions.end)
    }
}

/// The whole plan: the header line and a line a sensor, all padded with spaces to the same width.
pub fn write(entries: &[PlanEntry], sensors_per_shard: u32) -> Result<Vec<u8>, serde_json::Error> {
    let lines = entries
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    let longest = lines.iter().map(String::len).max().unwrap_or(0);
    let width = (longest + 1).max(usize::try_from(HEADER_BYTES).unwrap_or(128));
    let header = PlanHeader {
        version: 1,
        sensors: entries.len() as u64,
        sensors_per_shard,
        width: width as u64,
    };
    let mut bytes = Vec::with_capacity(width * (lines.len() + 1));
    push_padded(&mut bytes, &serde_json::to_string(&header)?, width);
    for line in &lines {
        push_padded(&mut bytes, line, width);
    }
    Ok(bytes)
}

fn push_padded(bytes: &mut Vec<u8>, line: &str, width: usize) {
    bytes.extend_from_slice(line.as_bytes());
    bytes.resize(bytes.len() + width - 1 - line.len(), b' ');
    bytes.push(b'\n');
}

/// The entries in `slice`, whose first line is the plan's line `first` (from 1) and which must hold `count` of them.
pub fn read_slice(slice: &[u8], first: u64, count: u64) -> Result<Vec<PlanEntry>, PlanFileError> {
    let mut lines = slice.split(|&byte| byte == b'\n');
    (first..first + count)
        .map(|line| {
            let text = lines
                .next()
                .filter(|text| !text.is_empty())
                .ok_or(PlanFileError::Truncated { line })?;
            serde_json::from_slice(text).map_err(|source| PlanFileError::Damaged { line, source })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str) -> PlanEntry {
        let key = [("device", name)].into_iter().collect();
        PlanEntry {
            key,
            model: Some(format!("az://m/{name}")),
            error: None,
        }
    }

    proptest! {
        #[test]
        fn every_shard_reads_its_own_slice(names in prop::collection::vec(".{0,200}", 0..40), size in 1_u32..9) {
            let entries: Vec<_> = names.iter().map(|name| entry(name)).collect();
            let bytes = write(&entries, size).unwrap();
            let head = usize::try_from(HEADER_BYTES).unwrap().min(bytes.len());
            let header = PlanHeader::parse(&bytes[..head]).unwrap();
            let mut seen = Vec::new();
            for shard in 0..u32::try_from(header.shards()).unwrap() {
                let positions = header.sensors_of(shard);
                let range = header.bytes_of(&positions);
                let slice = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
                seen.extend(read_slice(slice, positions.start + 2, positions.end - positions.start).unwrap());
            }
            prop_assert_eq!(seen, entries);
        }
    }

    #[test]
    fn damage_names_the_line() {
        let bytes = write(&[entry("a"), entry("b")], 1).unwrap();
        let header = PlanHeader::parse(&bytes).unwrap();
        let width = usize::try_from(header.width).unwrap();
        let mut slice = bytes[width..].to_vec();
        slice[width] = b'x';
        let error = read_slice(&slice, 2, 2).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        let error = read_slice(&bytes[width..2 * width], 2, 2)
            .unwrap_err()
            .to_string();
        assert!(error.contains("ends before its line 3"), "{error}");
        let error =
            PlanHeader::parse(br#"{"version":2,"sensors":0,"sensorsPerShard":1,"width":9}"#)
                .unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
