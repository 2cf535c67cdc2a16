use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::frame::{self, Asked, PROTOCOL, Told};

/// How long the end of a process may take to be told.
const TELLING: Duration = Duration::from_secs(10);
/// Ends that wait for somebody to ask.
const ENDS: usize = 256;

/// What the supervisor tells: lines that go to the log, and how processes end.
#[derive(Debug)]
pub struct Watch {
    ends: Arc<Ends>,
    reading: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Ends {
    told: Mutex<HashMap<String, String>>,
    changed: Notify,
}

impl Watch {
    /// Connects to the socket.
    pub async fn start(socket: &Path) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket).await?;
        frame::send(&mut stream, &Asked::Watch).await?;
        match frame::receive(&mut stream).await? {
            (Told::Watching { protocol: PROTOCOL }, 0) => {}
            (other, _) => {
                return Err(frame::invalid(format!(
                    "the worker is of another version: {other:?}"
                )));
            }
        }
        let ends = Arc::new(Ends::default());
        let reading = tokio::spawn(read(stream, Arc::clone(&ends)));
        Ok(Self { ends, reading })
    }

    /// Whether the supervisor is gone.
    pub fn has_ended(&self) -> bool {
        self.reading.is_finished()
    }

    /// How the process of a connection that has ended has ended itself.
    pub async fn end_of(&self, connection: &str) -> String {
        let told = async {
            loop {
                let changed = self.ends.changed.notified();
                if let Some(message) = self.ends.take(connection) {
                    return message;
                }
                changed.await;
            }
        };
        let told = tokio::time::timeout(TELLING, told).await;
        told.unwrap_or_else(|_| "nobody knows how, for its supervisor is gone".to_owned())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Ends {
    fn take(&self, connection: &str) -> Option<String> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.remove(connection)
    }

    fn add(&self, connection: String, message: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= ENDS {
            told.clear();
        }
        told.insert(connection, message);
        drop(told);
        self.changed.notify_waiters();
    }
}

async fn read(mut stream: UnixStream, ends: Arc<Ends>) {
    while let Ok((told, 0)) = frame::receive(&mut stream).await {
        match told {
            Told::Log { sensor, line } => tracing::info!(sensor, "Python: {line}"),
            Told::Exit {
                connection,
                message,
            } => ends.add(connection, message),
            _ => return,
        }
    }
}
