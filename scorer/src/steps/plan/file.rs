//! The plan as an object: JSON lines of equal width, so that a pod reads just its slice of it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{PlanEntry, PlannedReadings};
use crate::place::RunIdentity;

/// The plan's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanHeader {
    /// Version of the format: 3.
    pub version: u32,
    /// The run whose plan it is.
    pub run: RunIdentity,
    /// Sensors in the plan: the number of lines after this one.
    pub sensors: u64,
    /// Sensors that one shard scores.
    pub sensors_per_shard: u32,
    /// Bytes of every sensor's line, the line feed included.
    pub width: u64,
    /// Bytes of the last line, which says what there is of the readings of all sensors; 0 where there is no such line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub readings: u64,
}

/// Bytes of the header's line.
pub const HEADER_BYTES: u64 = 1024;
/// The version of the format that this program writes and reads.
const VERSION: u32 = 3;

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
        "the plan has version {found}, this program reads version {}; use the same version for all steps",
        VERSION
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is another run's.
    #[error(
        "the plan is that of the run with UID {found}, not of this one ({wanted}); run the plan step of this one first"
    )]
    Foreign {
        /// The UID in the plan.
        found: String,
        /// The UID of this run.
        wanted: String,
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
        let damaged = |source| PlanFileError::Damaged { line: 1, source };
        // Another version may have other fields, so the version is looked at first.
        let Versioned { version } = serde_json::from_slice(line).map_err(damaged)?;
        if version != VERSION {
            return Err(PlanFileError::Version { found: version });
        }
        serde_json::from_slice(line).map_err(damaged)
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

    /// The bytes that say what there is of the readings.
    pub fn bytes_of_readings(&self) -> Range<u64> {
        let start = self.bytes_of(&(0..self.sensors)).end;
        start..start.saturating_add(self.readings)
    }

    /// The bytes that hold the sensors at `positions`.
    pub fn bytes_of(&self, positions: &Range<u64>) -> Range<u64> {
        let start_of =
            |position: u64| HEADER_BYTES.saturating_add(position.saturating_mul(self.width));
        start_of(positions.start)..start_of(positions.end)
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// What every version of the header has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The whole plan: the header line of [`HEADER_BYTES`], then a line a sensor, these padded with spaces to the same width, then a line
/// about the readings if there is anything to say of them.
pub fn write(
    run: &RunIdentity,
    entries: &[PlanEntry],
    sensors_per_shard: u32,
    readings: &PlannedReadings,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut last = Vec::new();
    if *readings != PlannedReadings::default() {
        serde_json::to_writer(&mut last, readings)?;
        last.push(b'\n');
    }
    // Written twice rather than kept: the lines of a large fleet take as much memory as the plan.
    let (mut longest, mut line) = (0, Vec::new());
    for entry in entries {
        line.clear();
        serde_json::to_writer(&mut line, entry)?;
        longest = longest.max(line.len());
    }
    let width = longest + 1;
    let header = PlanHeader {
        version: VERSION,
        run: run.clone(),
        sensors: entries.len() as u64,
        sensors_per_shard,
        width: width as u64,
        readings: last.len() as u64,
    };
    let header = serde_json::to_string(&header)?;
    let header_width = usize::try_from(HEADER_BYTES).unwrap_or(0);
    if header.len() >= header_width {
        return Err(serde::ser::Error::custom("the plan's header is too long"));
    }
    let mut bytes = Vec::with_capacity(header_width + width * entries.len());
    bytes.extend_from_slice(header.as_bytes());
    end_line(&mut bytes, header_width);
    for (end, entry) in (1..).map(|line| header_width + line * width).zip(entries) {
        serde_json::to_writer(&mut bytes, entry)?;
        end_line(&mut bytes, end);
    }
    bytes.extend_from_slice(&last);
    Ok(bytes)
}

/// Ends a line with spaces and the line feed, so that `bytes` are `end` long.
fn end_line(bytes: &mut Vec<u8>, end: usize) {
    bytes.resize(end - 1, b' ');
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
            warning: None,
        }
    }

    fn run() -> RunIdentity {
        RunIdentity {
            uid: "0b4f8d4e-5d5c-4c57-9f5a-4a4a31b4f8a5".to_owned(),
            generation: Some(1),
            window: None,
        }
    }

    proptest! {
        #[test]
        fn every_shard_reads_its_own_slice(names in prop::collection::vec(".{0,200}", 0..40), size in 1_u32..9) {
            let entries: Vec<_> = names.iter().map(|name| entry(name)).collect();
            let bytes = write(&run(), &entries, size, &PlannedReadings::default()).unwrap();
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
        let bytes = write(
            &run(),
            &[entry("a"), entry("b")],
            1,
            &PlannedReadings::default(),
        )
        .unwrap();
        let header = PlanHeader::parse(&bytes).unwrap();
        let width = usize::try_from(header.width).unwrap();
        let lines = &bytes[usize::try_from(HEADER_BYTES).unwrap()..];
        let mut slice = lines.to_vec();
        slice[width] = b'x';
        let error = read_slice(&slice, 2, 2).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        let error = read_slice(&lines[..width], 2, 2).unwrap_err().to_string();
        assert!(error.contains("ends before its line 3"), "{error}");
        let error =
            PlanHeader::parse(br#"{"version":1,"sensors":0,"sensorsPerShard":1,"width":9}"#)
                .unwrap_err();
        assert!(error.to_string().contains("version 1"), "{error}");
    }
}
