use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::SourceError;

/// After a question that the hub did not answer it is asked nothing for so long, and nothing of the same partition for longer.
const PAUSE: Duration = Duration::from_secs(30);
const OF_PARTITION: Duration = Duration::from_mins(1);

/// After an answer that took longer than this the hub is asked nothing for so many times as long as it took, so that nine tenths of the
/// time are for reading; but not for longer than this.
const SLOW: Duration = Duration::from_secs(1);
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_mins(1);

/// Questions to the hub beside reading. A thread that waits for an answer does nothing else, and where none comes it waits for long: so one
/// that is not answered stands for all.
#[derive(Debug, Default)]
pub(super) struct Questions {
    unanswered: Option<Instant>,
    of_partitions: BTreeMap<i32, Instant>,
    /// When the last one was answered or given up, and for how long none follows.
    last: Option<(Instant, Duration)>,
}

impl Questions {
    /// Whether something may be asked of a partition now.
    pub fn may_ask(&self, partition: i32) -> bool {
        let rests = self.last.is_some_and(|(last, rest)| last.elapsed() < rest);
        let of_partition = self.of_partitions.get(&partition);
        !rests
            && !is_within(PAUSE, self.unanswered.as_ref())
            && !is_within(OF_PARTITION, of_partition)
    }

    /// Whether it is time for a question that one of so many partitions has every while. Where answers take long that is later, so that each
    /// has its turn, with two questions.
    pub fn is_due(&self, asked: Option<Instant>, every: Duration, partitions: usize) -> bool {
        let rest = self.last.map(|(_, rest)| rest).unwrap_or_default();
        let turns = u32::try_from(2 * partitions).unwrap_or(u32::MAX);
        let every = every.max(rest.saturating_mul(turns));
        asked.is_none_or(|asked| asked.elapsed() >= every)
    }

    /// Asks, if that may be; none: it is not known.
    pub fn ask<T>(
        &mut self,
        partition: i32,
        question: impl FnOnce() -> Result<T, SourceError>,
    ) -> Option<T> {
        if !self.may_ask(partition) {
            return None;
        }
        let begun = Instant::now();
        let answer = question();
        self.took(begun.elapsed());
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

    fn took(&mut self, took: Duration) {
        let rest = if took > SLOW {
            (took * REST).min(LONGEST_REST)
        } else {
            Duration::ZERO
        };
        self.last = Some((Instant::now(), rest));
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

    /// With answers that take three seconds each of four partitions is asked, and at most a tenth of the time is spent on it.
    #[tokio::test(start_paused = true)]
    async fn slow_answers_leave_the_time_for_reading_and_each_partition_its_turn() {
        let mut questions = Questions::default();
        let (begun, took) = (Instant::now(), Duration::from_secs(3));
        let (mut asked, mut counts) = ([None; 4], [0_u32; 4]);
        while begun.elapsed() < Duration::from_hours(1) {
            for (partition, (asked, count)) in (0..).zip(asked.iter_mut().zip(&mut counts)) {
                let is_due = questions.is_due(*asked, Duration::from_secs(10), 4);
                if is_due && questions.may_ask(partition) {
                    *asked = Some(Instant::now());
                    tokio::time::advance(took).await;
                    questions.took(took);
                    *count += 1;
                }
            }
            tokio::time::advance(Duration::from_millis(50)).await;
        }
        assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
        assert!(
            took * counts.iter().sum() <= Duration::from_mins(7),
            "{counts:?}"
        );
    }
}
