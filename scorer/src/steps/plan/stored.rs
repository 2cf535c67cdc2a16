use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;

use super::file::{self, HEADER_BYTES};
use super::{PlanEntry, PlanFileError, PlanHeader, PlannedReadings};
use crate::outputs;
use crate::steps::{Context, StepError};
use fleetscore_storage::ObjectUrl;

/// Bytes that the first request asks for: enough for the header and some hundred sensors.
const FIRST_BYTES: u64 = 256 << 10;

/// Bytes of a piece of the plan, where all of it is read.
const PIECE_BYTES: u64 = 4 << 20;

/// The plan of a run, as the plan step has written it.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    /// Its first line.
    pub header: PlanHeader,
    /// When it was written.
    pub written: Timestamp,
    url: ObjectUrl,
    first: Bytes,
}

impl StoredPlan {
    /// The plan that has been written to `url` just now.
    pub(super) fn new(url: ObjectUrl, bytes: &[u8]) -> Result<Self, PlanFileError> {
        let first = usize::try_from(FIRST_BYTES).unwrap_or(usize::MAX);
        Ok(Self {
            header: PlanHeader::parse(bytes)?,
            written: Timestamp::now(),
            url,
            first: Bytes::copy_from_slice(bytes.get(..first).unwrap_or(bytes)),
        })
    }

    /// The beginning of this run's plan: as this process has written it, or else read.
    ///
    /// # Errors
    ///
    /// [`StepError::Plan`] where the plan is another run's.
    pub async fn open(context: &Context) -> Result<Self, StepError> {
        if let Some(plan) = context.kept.as_ref().and_then(|kept| kept.plan()) {
            return Ok(plan);
        }
        let url = context.run.own_file(outputs::PLAN)?;
        let (object, mut first) = context.storage.begin(&url, FIRST_BYTES).await?;
        if first.is_empty() {
            first = context.storage.get_range(&url, 0..HEADER_BYTES).await?;
        }
        let header = PlanHeader::parse(&first).and_then(|header| {
            if &header.run == context.place.run() {
                Ok(header)
            } else {
                Err(PlanFileError::Foreign {
                    found: header.run.uid,
                    wanted: context.place.run().uid.clone(),
                })
            }
        });
        Ok(Self {
            header: header.map_err(|source| StepError::Plan {
                url: url.to_string(),
                source,
            })?,
            written: object.modified,
            url,
            first,
        })
    }

    /// What there is of the readings of all sensors.
    pub async fn readings(&self, context: &Context) -> Result<PlannedReadings, StepError> {
        let bytes = self.header.bytes_of_readings();
        if bytes.is_empty() {
            return Ok(PlannedReadings::default());
        }
        let line = self.header.sensors + 2;
        let damaged = |source| StepError::Plan {
            url: self.url.to_string(),
            source: PlanFileError::Damaged { line, source },
        };
        serde_json::from_slice(&self.bytes(context, bytes).await?).map_err(damaged)
    }

    async fn bytes(
        &self,
        context: &Context,
        bytes: std::ops::Range<u64>,
    ) -> Result<Bytes, StepError> {
        if bytes.end <= self.first.len() as u64 {
            let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
            return Ok(self.first.slice(at(bytes.start)..at(bytes.end)));
        }
        Ok(context.storage.get_range(&self.url, bytes).await?)
    }

    /// The names of the keys of all sensors. Reads all of the plan, a piece at a time.
    pub async fn key_names(&self, context: &Context) -> Result<BTreeSet<String>, StepError> {
        let mut names = BTreeSet::new();
        let step = (PIECE_BYTES / self.header.width.max(1)).max(1);
        let mut start = 0;
        while start < self.header.sensors {
            let end = (start + step).min(self.header.sensors);
            for entry in self.entries(context, start..end).await? {
                for (name, _) in entry.key.iter() {
                    if !names.contains(name) {
                        names.insert(name.to_owned());
                    }
                }
            }
            start = end;
        }
        Ok(names)
    }

    /// The sensors of one shard. Reads only that slice of the plan.
    pub async fn shard(&self, context: &Context, shard: u32) -> Result<Vec<PlanEntry>, StepError> {
        self.entries(context, self.header.sensors_of(shard)).await
    }

    /// The sensors at these positions of the plan. Reads only that slice of it.
    pub async fn entries(
        &self,
        context: &Context,
        positions: std::ops::Range<u64>,
    ) -> Result<Vec<PlanEntry>, StepError> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let slice = self
            .bytes(context, self.header.bytes_of(&positions))
            .await?;
        file::read_slice(&slice, positions.start + 2, positions.end - positions.start).map_err(
            |source| StepError::Plan {
                url: self.url.to_string(),
                source,
            },
        )
    }
}
