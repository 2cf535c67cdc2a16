//! Whether the readings of the window are complete, and which files of a stream hold them.

use std::time::Duration;

use fleetscore_crds::contract::StreamDocument;
use fleetscore_crds::{Failure, FailureReason, OnTimeout, ReadingFormat, WaitFor};
use fleetscore_readings::dataset::{self, Segments};
use fleetscore_storage::ObjectUrl;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::steps::{Context, StepError};

/// How often is looked again for what is missing.
const AGAIN: Duration = Duration::from_secs(10);

/// Segments that a message names at most.
const SHOWN: usize = 5;

/// What the plan says of the readings of all sensors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedReadings {
    /// The segments to read, where the readings are those of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Segments>,
    /// What is missing, or may be, though what is there is to be scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// What there is of the readings now.
pub struct Found {
    /// What to read.
    pub readings: PlannedReadings,
    /// What the run has to wait for; none where all is there.
    pub missing: Option<String>,
}

/// What there is of the readings now. Waits for nothing.
pub async fn look(context: &Context) -> Result<Found, StepError> {
    let mut found = match stream(context).await? {
        Stream::None => Found {
            readings: PlannedReadings::default(),
            missing: None,
        },
        Stream::Absent(location) => Found {
            readings: PlannedReadings::default(),
            missing: Some(format!("there is no stream at {location}")),
        },
        Stream::At(location, stream) => segments(context, &location, &stream).await?,
    };
    if let Some(marker) = &context.run.marker
        && !context.storage.exists(marker).await?
    {
        found.missing = Some(format!("there is no {marker}"));
    }
    Ok(found)
}

/// The readings, once they are complete. What is missing is looked for again until the time is over that the run waits for it.
pub async fn wait(context: &Context, mut found: Found) -> Result<PlannedReadings, StepError> {
    let WaitFor {
        timeout_seconds,
        on_timeout,
        ..
    } = context.run.spec.input.wait_for.clone().unwrap_or_default();
    let begun = Instant::now();
    let end = begun + Duration::from_secs(timeout_seconds.into());
    let mut told = String::new();
    while let Some(missing) = found.missing.take() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            context.progress.wait_for("");
            let missing = format!("{missing}, after {timeout_seconds} seconds");
            return match on_timeout {
                OnTimeout::Fail => Err(StepError::ReadingsIncomplete { missing }),
                OnTimeout::Score => Ok(PlannedReadings {
                    incomplete: Some(missing),
                    ..found.readings
                }),
            };
        }
        if missing != told {
            tracing::info!(seconds = left.as_secs(), "waiting for readings: {missing}");
            context.progress.wait_for(&missing);
            told = missing;
        }
        tokio::select! {
            () = context.stop.cancelled() => return Err(StepError::Stopped),
            () = tokio::time::sleep(AGAIN.min(left)) => {}
        }
        found = look(context).await?;
    }
    context.progress.wait_for("");
    Ok(found.readings)
}

/// The stream that a run reads.
enum Stream {
    /// The readings are not those of a stream.
    None,
    /// They are to be those of a stream, and there is none yet.
    Absent(ObjectUrl),
    /// Its output location, and what it is.
    At(ObjectUrl, StreamDocument),
}

async fn stream(context: &Context) -> Result<Stream, StepError> {
    let (input, format) = (&context.run.input, context.run.spec.input.format);
    let may_be = input.keys().is_empty() && input.literal_prefix().ends_with('/');
    if !may_be || !matches!(format, ReadingFormat::Auto | ReadingFormat::Stream) {
        return Ok(Stream::None);
    }
    let location = ObjectUrl::parse(input.literal_prefix())?;
    match dataset::stream_at(&context.storage, &location).await {
        Ok(Some(document)) => Ok(Stream::At(location, document)),
        Ok(None) if format == ReadingFormat::Stream => Ok(Stream::Absent(location)),
        Ok(None) => Ok(Stream::None),
        Err(failure) => Err(error(failure)),
    }
}

/// The segments of the window, or without one all that are complete.
async fn segments(
    context: &Context,
    location: &ObjectUrl,
    stream: &StreamDocument,
) -> Result<Found, StepError> {
    let storage = &context.storage;
    let wanted = match context.run.spec.window {
        Some(window) => dataset::wanted(stream, window),
        None => dataset::complete(storage, location).await.map_err(error)?,
    };
    let segments = dataset::segments(storage, location, stream, &wanted).await;
    let segments = segments.map_err(error)?;
    let mut there = segments.iter().map(|segment| segment.start).peekable();
    let missing: Vec<Timestamp> = wanted
        .into_iter()
        .filter(|start| there.next_if_eq(start).is_none())
        .collect();
    let gaps: Vec<Timestamp> = segments
        .iter()
        .filter(|segment| segment.has_gaps)
        .map(|segment| segment.start)
        .collect();
    let incomplete = (!gaps.is_empty()).then(|| {
        format!(
            "the stream {} lost events before it read them: readings may be missing in {}",
            stream.id,
            named(&gaps)
        )
    });
    Ok(Found {
        readings: PlannedReadings {
            segments: Some(Segments::new(stream, location, segments)),
            incomplete,
        },
        missing: (!missing.is_empty()).then(|| {
            format!(
                "the stream {} has not completed {}",
                stream.id,
                named(&missing)
            )
        }),
    })
}

/// `2 segments (2026-11-28T09:00:00Z, 2026-11-28T10:00:00Z)`
fn named(starts: &[Timestamp]) -> String {
    let shown: Vec<String> = starts.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if starts.len() > SHOWN { ", ..." } else { "" };
    let noun = if starts.len() == 1 {
        "segment"
    } else {
        "segments"
    };
    format!("{} {noun} ({}{more})", starts.len(), shown.join(", "))
}

fn error(failure: Failure) -> StepError {
    StepError::Readings {
        is_temporary: failure.reason == FailureReason::StorageUnavailable,
        failure,
    }
}
