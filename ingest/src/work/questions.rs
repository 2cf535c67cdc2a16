use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::SourceError;

/// After a question that the hub did not answer it is asked nothing for so long, and nothing of the same partition for longer.
const PAUSE: Duration = Duration::from_secs(30);
const OF_PARTITION: Duration = Duration::from_mins(1);

/// Questions to the hub beside reading. A thread that waits for an answer does nothing else, and where none comes it waits for long: so one
/// that is not answered stands for all.
#[derive(Debug, Default)]
pub(super) struct Questions {
    unanswered: Option<Instant>,
    of_partitions: BTreeMap<i32, Instant>,
}

impl Questions {
    /// Asks, unless the hub did not answer of late; none: it is not known.
    pub fn ask<T>(
        &mut self,
        partition: i32,
        question: impl FnOnce() -> Result<T, SourceError>,
    ) -> Option<T> {
        let of_partition = self.of_partitions.get(&partition);
        if is_within(PAUSE, self.unanswered.as_ref()) || is_within(OF_PARTITION, of_partition) {
            return None;
        }
        let answer = question();
        if answer.is_err() {
            let now = Instant::now();
            self.unanswered = Some(now);
            self.of_partitions.insert(partition, now);
        }
        answer.ok()
    }

    /// The hub answers again.
    pub fn resume(&mut self) {
        self.unanswered = None;
    }
}

fn is_within(pause: Duration, since: Option<&Instant>) -> bool {
    since.is_some_and(|since| since.elapsed() < pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One partition of which nothing is to be known keeps nobody from asking of the others.
    #[tokio::test(start_paused = true)]
    async fn one_that_is_never_answered_leaves_the_others_their_turns() {
        let mut questions = Questions::default();
        let away = SourceError::SourceUnavailable {
            reason: "away".to_owned(),
        };
        let mut answers = [0; 2];
        for _ in 0..600 {
            for (partition, count) in (0..).zip(&mut answers) {
                let answer = questions.ask(partition, || match partition {
                    0 => Err(away.clone()),
                    _ => Ok(1),
                });
                *count += answer.unwrap_or(0);
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(answers, [0, 300]);
    }
}
