use std::io;
use std::path::Path;

use fleetscore_crds::{Failure, FailureReason, ModelOutput};
use fleetscore_readings::SensorRows;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::frame::{self, Asked, PROTOCOL, Told};
use super::visit::Request;
use crate::models::{Kind, Labels, Meaning, Verdicts, shown};

/// Bytes that are sent or taken at a time.
const PIECE: usize = 64 << 10;
/// Letters of a model's name at most.
const NAME: usize = 80;
/// Bytes of a score and its label.
const VERDICT: u64 = 12;

/// A connection to a Python process, which does one thing at a time. The process ends with it.
#[derive(Debug)]
pub struct Session {
    /// Buffered, so that an answer comes in one piece if it is small.
    stream: BufReader<UnixStream>,
    /// What its end will be told by.
    pub connection: String,
    models: u64,
}

/// A model that a process has loaded.
#[derive(Debug)]
pub struct LoadedModel {
    /// Its number there.
    pub id: u64,
    /// Its class, or the module that knows it.
    pub name: String,
    /// What it calls its classes, unchecked; none where it is no classifier.
    pub labels: Option<Labels>,
}

/// Why something did not work.
#[derive(Debug)]
pub enum Trouble {
    /// The model or its code: the process goes on.
    Told(Failure),
    /// The process is gone, or what it says cannot be understood.
    Gone(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl Session {
    /// Connects to the socket, and waits until a fresh process is ready.
    pub async fn start(socket: &Path, connection: String) -> Result<Self, Trouble> {
        let stream = BufReader::new(UnixStream::connect(socket).await?);
        let mut session = Self {
            stream,
            connection,
            models: 0,
        };
        let hello = Asked::Hello {
            protocol: PROTOCOL,
            connection: &session.connection,
        };
        frame::send(&mut session.stream, &hello).await?;
        match session.told().await? {
            Told::Hello {
                protocol: PROTOCOL,
                python,
                convention,
            } => {
                tracing::info!(python, convention, "a Python has started");
                Ok(session)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Loads a sensor's model.
    pub async fn load(&mut self, request: &Request<'_>) -> Result<LoadedModel, Trouble> {
        self.models += 1;
        let load = Asked::Load {
            id: self.models,
            sensor: &request.sensor.to_string(),
            key: request.sensor,
            path: &request.model.path().to_string_lossy(),
            features: request.features,
            time: request.time,
            output: match (&request.spec.residual, request.spec.output) {
                (None, ModelOutput::Value) | (Some(_), _) => Kind::Value,
                (None, _) => Kind::Anomaly,
            },
            classes: true,
        };
        frame::send(&mut self.stream, &load).await?;
        match self.told().await? {
            Told::Loaded { id, model, classes } if id == self.models => Ok(LoadedModel {
                id,
                name: shown(&model, NAME),
                labels: classes,
            }),
            other => Err(unexpected(&other)),
        }
    }

    /// Scores readings and appends their verdicts, all of them or none; `meaning` is what the model's numbers mean.
    pub async fn score(
        &mut self,
        id: u64,
        request: &Request<'_>,
        meaning: &Meaning,
        rows: &SensorRows,
        verdicts: &mut Verdicts,
    ) -> Result<(), Trouble> {
        let width = rows.features.len() / rows.len().max(1);
        self.send_rows(id, rows, width, request.features.len())
            .await?;
        let (told, bytes) = frame::receive(&mut self.stream).await?;
        let expected = rows.len() as u64 * VERDICT;
        match told {
            Told::Scored {
                id: of,
                rows: scored,
            } if of == id && scored == rows.len() && bytes == expected => {}
            other => {
                // What was not understood ends the connection, so nobody reads what follows.
                return Err(if bytes == 0 {
                    of_told(other)
                } else {
                    unexpected(&other)
                });
            }
        }
        let mut scores = Vec::with_capacity(rows.len());
        self.take::<8>(rows.len(), |bytes| scores.push(f64::from_le_bytes(bytes)))
            .await?;
        let mut labels = Vec::with_capacity(rows.len());
        self.take::<4>(rows.len(), |bytes| labels.push(i32::from_le_bytes(bytes)))
            .await?;
        if !scores.iter().all(|score| score.is_finite()) {
            return Err(frame::invalid("a score that is not finite".to_owned()).into());
        }
        let most = meaning.labels().map_or(2, |labels| labels.len());
        let is_known = |label: &i32| usize::try_from(*label).is_ok_and(|label| label < most);
        if !labels.iter().all(is_known) {
            let message = format!("a label that is not from 0 to {}", most.saturating_sub(1));
            return Err(frame::invalid(message).into());
        }
        judge(meaning, &scores, &labels, rows, verdicts)
    }

    /// Forgets a model.
    pub async fn unload(&mut self, id: u64) -> Result<(), Trouble> {
        frame::send(&mut self.stream, &Asked::Unload { id }).await?;
        match self.told().await? {
            Told::Unloaded { id: of } if of == id => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends the first `seen` of the `width` columns of the readings.
    async fn send_rows(
        &mut self,
        id: u64,
        rows: &SensorRows,
        width: usize,
        seen: usize,
    ) -> io::Result<()> {
        let seen = seen.min(width);
        let bytes = (8 * rows.len() * (1 + seen)) as u64;
        let asked = Asked::Score {
            id,
            rows: rows.len(),
        };
        let mut piece = frame::head(&asked, bytes)?;
        let times = rows.times.nanos.iter().map(|nanos| nanos.to_le_bytes());
        let columns = rows.features.chunks(width.max(1));
        let features = columns.flat_map(|row| row.iter().take(seen));
        let features = features.map(|feature| feature.to_le_bytes());
        for number in times.chain(features) {
            piece.extend_from_slice(&number);
            if piece.len() >= PIECE {
                self.stream.write_all(&piece).await?;
                piece.clear();
            }
        }
        self.stream.write_all(&piece).await
    }

    /// Takes `count` numbers of N bytes.
    async fn take<const N: usize>(
        &mut self,
        count: usize,
        mut each: impl FnMut([u8; N]),
    ) -> io::Result<()> {
        let mut left = count * N;
        let mut piece = vec![0; left.min(PIECE)];
        while left > 0 {
            piece.truncate(left);
            self.stream.read_exact(&mut piece).await?;
            piece.as_chunks().0.iter().for_each(|number| each(*number));
            left -= piece.len();
        }
        Ok(())
    }

    /// What comes without payload.
    async fn told(&mut self) -> Result<Told, Trouble> {
        match frame::receive(&mut self.stream).await? {
            (told @ Told::Error { .. }, 0) => Err(of_told(told)),
            (told, 0) => Ok(told),
            (told, _) => Err(unexpected(&told)),
        }
    }
}

/// Appends what the scores and labels of the readings mean.
fn judge(
    meaning: &Meaning,
    scores: &[f64],
    labels: &[i32],
    rows: &SensorRows,
    verdicts: &mut Verdicts,
) -> Result<(), Trouble> {
    let labelled = scores.iter().zip(labels);
    let threshold = match meaning {
        Meaning::Residual { threshold } => threshold,
        Meaning::Class { anomalies, .. } => {
            for (score, class) in labelled {
                let class = u16::try_from(*class).unwrap_or(u16::MAX);
                let is_anomaly = anomalies.get(usize::from(class)) == Some(&true);
                verdicts.push_class(*score, class, is_anomaly);
            }
            return Ok(());
        }
        _ => {
            labelled.for_each(|(score, label)| verdicts.push(*score, *label == 1));
            return Ok(());
        }
    };
    let width = rows.features.len() / rows.len().max(1);
    let targets = rows.features.chunks(width.max(1));
    let targets = targets.filter_map(|row| row.last());
    for (expected, target) in scores.iter().zip(targets) {
        verdicts.push_residual(*expected, *target, *threshold);
    }
    if verdicts.scores().iter().all(|score| score.is_finite()) {
        return Ok(());
    }
    verdicts.clear();
    let message = "a value too far from the target for a number";
    Err(frame::invalid(message.to_owned()).into())
}

fn of_told(told: Told) -> Trouble {
    match told {
        Told::Error { reason, message } => {
            // No more than these are for the model's code to say.
            let reason = match reason {
                FailureReason::ModelMismatch => reason,
                _ => FailureReason::ModelFailed,
            };
            Trouble::Told(Failure { reason, message })
        }
        other => unexpected(&other),
    }
}

fn unexpected(told: &Told) -> Trouble {
    frame::invalid(format!("an answer to something else: {told:?}")).into()
}
