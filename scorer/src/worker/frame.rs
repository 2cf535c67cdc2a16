//! Frames: the length of the head as a little-endian `u32`, the head in JSON, and as many bytes of payload as `bytes` in it says.

use std::io;

use fleetscore_crds::{FailureReason, SensorKey};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::models::{Kind, Labels};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;
/// Bytes of a head at most.
const HEAD_BYTES: usize = 1 << 20;
/// Bytes of a payload at most.
pub const PAYLOAD_BYTES: u64 = 1 << 30;

/// What the scorer asks for.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Asked<'a> {
    /// To be told what processes write and how they end.
    Watch,
    /// A fresh process for this connection.
    Hello {
        /// The version of the protocol.
        protocol: u32,
        /// What its end will be told by.
        connection: &'a str,
    },
    /// Load a model.
    Load {
        /// What the model is called from now on.
        id: u64,
        /// The sensor, in words.
        sensor: &'a str,
        /// The sensor.
        key: &'a SensorKey,
        /// The model's file.
        path: &'a str,
        /// The columns of the readings.
        features: &'a [String],
        /// The column of their times.
        time: &'a str,
        /// Whether scores are to come back, with labels, or values, of a model without classes.
        output: Kind,
        /// Whether it is understood that a model has classes.
        classes: bool,
    },
    /// Score readings: `i64` nanoseconds each, then `f64` features each.
    Score {
        /// The model.
        id: u64,
        /// The number of readings.
        rows: usize,
    },
    /// Forget a model.
    Unload {
        /// The model.
        id: u64,
    },
}

/// What comes back.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Told {
    /// The supervisor tells from now on.
    Watching {
        /// The version of the protocol.
        protocol: u32,
    },
    /// A process has started.
    Hello {
        /// The version of the protocol.
        protocol: u32,
        /// The version of Python.
        python: String,
        /// What knows how to load and score models.
        convention: String,
    },
    /// A model is loaded.
    Loaded {
        /// The model.
        id: u64,
        /// Its class, or the module that knows it.
        model: String,
        /// What it calls its classes; none where it is no classifier.
        classes: Option<Labels>,
    },
    /// Readings are scored: `f64` scores, then `i32` labels, or the numbers of classes.
    Scored {
        /// The model.
        id: u64,
        /// The number of readings.
        rows: usize,
    },
    /// A model is forgotten.
    Unloaded {
        /// The model.
        id: u64,
    },
    /// It did not work.
    Error {
        /// Why the sensor fails.
        reason: FailureReason,
        /// What happened.
        message: String,
    },
    /// A process has written a line.
    Log {
        /// The sensor, in words; empty where none has come yet.
        sensor: String,
        /// The line.
        line: String,
    },
    /// A process has ended.
    Exit {
        /// Its connection.
        connection: String,
        /// How.
        message: String,
    },
}

/// A head with the length of the payload behind it.
#[derive(Debug, Deserialize, Serialize)]
struct Sized<T> {
    bytes: u64,
    #[serde(flatten)]
    head: T,
}

/// Sends a frame without payload.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), asked: &Asked<'_>) -> io::Result<()> {
    stream.write_all(&head(asked, 0)?).await
}

/// The bytes of a frame up to its payload of so many bytes.
pub fn head(asked: &Asked<'_>, bytes: u64) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(&Sized { bytes, head: asked })?;
    if json.len() > HEAD_BYTES || bytes > PAYLOAD_BYTES {
        return Err(invalid(format!(
            "a frame of {} and {bytes} bytes is too large",
            json.len()
        )));
    }
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    Ok([&length.to_le_bytes(), json.as_slice()].concat())
}

/// Reads a frame up to its payload, of which it returns the length.
///
/// # Errors
///
/// The connection has ended or fails, or what comes is no frame ([`io::ErrorKind::InvalidData`]).
pub async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(Told, u64)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > HEAD_BYTES {
        return Err(invalid(format!(
            "a head of {length} bytes, more than {HEAD_BYTES}"
        )));
    }
    let mut json = vec![0; length];
    stream.read_exact(&mut json).await?;
    let read: Sized<Told> =
        serde_json::from_slice(&json).map_err(|error| invalid(error.to_string()))?;
    if read.bytes > PAYLOAD_BYTES {
        return Err(invalid(format!(
            "a payload of {} bytes, more than {PAYLOAD_BYTES}",
            read.bytes
        )));
    }
    Ok((read.head, read.bytes))
}

/// What is no frame, or not the one that was to come.
pub fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
