use std::io;
use std::mem;
use std::path::Path;

use fleetscore_crds::{Failure, FailureReason, ModelOutput};
use fleetscore_readings::SensorRows;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::frame::{self, Asked, PROTOCOL, Told};
use super::visit::Request;
use crate::models::{Kind, Labels, Meaning, Verdicts, shown};

/// Bytes that are sent or taken at a time.
const PIECE: usize = 64 << 10;
/// Letters of a model's name at most.
const NAME: usize = 80;
/// Bytes of a score and its label.
const VERDICT: u64 = 12;

/// A connection to a Python process, which does one thing after the other. The process ends with it.
#[derive(Debug)]
pub struct Session {
    /// Buffered, so that an answer comes in one piece if it is small.
    answers: BufReader<OwnedReadHalf>,
    requests: OwnedWriteHalf,
    /// What its end will be told by.
    pub connection: String,
    models: u64,
    /// Whether the next readings were sent before the verdicts of the last ones had come.
    sent_ahead: bool,
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
        let (answers, requests) = UnixStream::connect(socket).await?.into_split();
        let mut session = Self {
            answers: BufReader::new(answers),
            requests,
            connection,
            models: 0,
            sent_ahead: false,
        };
        let hello = Asked::Hello {
            protocol: PROTOCOL,
            connection: &session.connection,
        };
        frame::send(&mut session.requests, &hello).await?;
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
        frame::send(&mut self.requests, &load).await?;
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
    ///
    /// Meanwhile the `next` readings are sent, which are those of the next call of this function then: Python takes them up when it is
    /// done with these, and need not wait for anybody.
    pub async fn score(
        &mut self,
        id: u64,
        request: &Request<'_>,
        meaning: &Meaning,
        rows: &SensorRows,
        next: Option<&SensorRows>,
        verdicts: &mut Verdicts,
    ) -> Result<(), Trouble> {
        let seen = request.features.len();
        if !self.sent_ahead {
            send_rows(&mut self.requests, id, rows, seen).await?;
        }
        self.sent_ahead = next.is_some();
        // Python may not take the next ones before somebody takes the verdicts of these.
        let send = async {
            match next {
                Some(next) => Ok(send_rows(&mut self.requests, id, next, seen).await?),
                None => Ok(()),
            }
        };
        let receive = async {
            match receive_scored(&mut self.answers, id, rows.len()).await {
                // The process goes on, so the next ones are sent to their end.
                Err(Trouble::Told(failure)) => Ok(Err(failure)),
                other => other.map(Ok),
            }
        };
        let ((), scored) = tokio::try_join!(send, receive)?;
        let (scores, labels) = scored.map_err(Trouble::Told)?;
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

    /// Whether Python has readings whose verdicts nobody has taken.
    pub fn sent_ahead(&self) -> bool {
        self.sent_ahead
    }

    /// Forgets a model. What comes for readings that were sent ahead is not looked at.
    pub async fn unload(&mut self, id: u64) -> Result<(), Trouble> {
        frame::send(&mut self.requests, &Asked::Unload { id }).await?;
        if mem::take(&mut self.sent_ahead) {
            let (_, bytes) = frame::receive(&mut self.answers).await?;
            let mut unwanted = (&mut self.answers).take(bytes);
            tokio::io::copy(&mut unwanted, &mut tokio::io::sink()).await?;
        }
        match self.told().await? {
            Told::Unloaded { id: of } if of == id => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// What comes without payload.
    async fn told(&mut self) -> Result<Told, Trouble> {
        match frame::receive(&mut self.answers).await? {
            (told @ Told::Error { .. }, 0) => Err(of_told(told)),
            (told, 0) => Ok(told),
            (told, _) => Err(unexpected(&told)),
        }
    }
}

/// Asks for readings to be scored, of which the model sees the first `seen` columns.
async fn send_rows(
    requests: &mut OwnedWriteHalf,
    id: u64,
    rows: &SensorRows,
    seen: usize,
) -> io::Result<()> {
    let width = rows.features.len() / rows.len().max(1);
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
            requests.write_all(&piece).await?;
            piece.clear();
        }
    }
    requests.write_all(&piece).await
}

/// The scores and labels of so many readings, as they come.
async fn receive_scored(
    answers: &mut BufReader<OwnedReadHalf>,
    id: u64,
    rows: usize,
) -> Result<(Vec<f64>, Vec<i32>), Trouble> {
    let (told, bytes) = frame::receive(answers).await?;
    match told {
        Told::Scored {
            id: of,
            rows: scored,
        } if of == id && scored == rows && bytes == rows as u64 * VERDICT => {}
        // What was not understood ends the connection, so nobody reads what follows.
        other if bytes == 0 => return Err(of_told(other)),
        other => return Err(unexpected(&other)),
    }
    let scores = receive_numbers(answers, rows, f64::from_le_bytes).await?;
    let labels = receive_numbers(answers, rows, i32::from_le_bytes).await?;
    Ok((scores, labels))
}

/// `count` numbers of N bytes.
async fn receive_numbers<T, const N: usize>(
    answers: &mut BufReader<OwnedReadHalf>,
    count: usize,
    number: impl Fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let mut numbers = Vec::with_capacity(count);
    let mut left = count * N;
    let mut piece = vec![0; left.min(PIECE)];
    while left > 0 {
        piece.truncate(left);
        answers.read_exact(&mut piece).await?;
        numbers.extend(piece.as_chunks().0.iter().map(|bytes| number(*bytes)));
        left -= piece.len();
    }
    Ok(numbers)
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
