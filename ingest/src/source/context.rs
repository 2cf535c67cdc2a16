use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::classify::{Kind, kind};
use super::settings::Settings;

/// What the client tells beside records: it asks for tokens here, and says here why it cannot go on.
pub(super) struct Context {
    settings: Arc<Settings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    has_token: bool,
    trouble: Option<(Kind, String)>,
    /// What happened last to one connection.
    connection: Option<String>,
}

impl Context {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            state: Mutex::default(),
        }
    }

    /// Whether all is there that one signs in with.
    pub(super) fn can_sign_in(&self) -> bool {
        self.settings.tokens.is_none() || self.state().has_token
    }

    /// What is wrong, where the client said so since it last worked.
    pub(super) fn trouble(&self) -> Option<(Kind, String)> {
        self.state().trouble.clone()
    }

    /// The hub answers.
    pub(super) fn clear(&self) {
        self.state().trouble = None;
    }

    fn report(&self, kind: Kind, reason: &str) {
        let mut state = self.state();
        // That brokers are down is also said when they refuse us: the refusal is what matters.
        let is_refused = matches!(&state.trouble, Some((Kind::Denied, _)));
        if kind == Kind::Denied || !is_refused {
            state.trouble = Some((kind, reason.to_owned()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, _: &str, message: &str) {
        // It tries again by itself. What lasts comes as an error.
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!("{}: {message}", self.settings.name);
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                tracing::debug!("{}: {message}", self.settings.name);
            }
            _ => tracing::trace!("{}: {message}", self.settings.name),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        if code == RDKafkaErrorCode::PartitionEOF {
            return;
        }
        tracing::debug!("{}: {reason}", self.settings.name);
        match kind(code) {
            None => self.state().connection = Some(reason.to_owned()),
            Some(kind) if code == RDKafkaErrorCode::AllBrokersDown => {
                // Why they are is said before.
                let why = self.state().connection.clone();
                self.report(kind, &why.unwrap_or_else(|| reason.to_owned()));
            }
            Some(kind) => self.report(kind, reason),
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let Some(tokens) = &self.settings.tokens else {
            return Err("no identity to ask for tokens with".into());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        match tokens.get(now) {
            Ok(token) => {
                let mut state = self.state();
                state.has_token = true;
                state.trouble = None;
                Ok(OAuthToken {
                    token: token.text,
                    principal_name: String::new(),
                    lifetime_ms: i64::try_from(token.expires.saturating_mul(1000))?,
                })
            }
            Err(error) => {
                tracing::warn!("{}: {}", self.settings.name, error.reason);
                let kind = if error.is_refusal {
                    Kind::Denied
                } else {
                    Kind::Unavailable
                };
                self.report(kind, &error.reason);
                Err(error.reason.replace('\0', " ").into())
            }
        }
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(
                "{}: how far it was read is not told: {error}",
                self.settings.name
            );
        }
    }
}
