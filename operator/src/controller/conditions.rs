//! Conditions, by one rule for all kinds of objects.

use fleetscore_crds::{Condition, ConditionStatus};
use jiff::Timestamp;

use crate::words::{cut, reason_word, whole_second};

/// Bytes of JSON that a condition's message may take.
const MESSAGE_BYTES: usize = 1000;

/// What conditions are to say.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    /// Why, in one word.
    pub reason: &'a str,
    /// Why, in a sentence.
    pub message: &'a str,
    /// The generation of the spec that it speaks of.
    pub generation: i64,
    /// When it is told.
    pub now: Timestamp,
}

impl Story<'_> {
    /// Sets conditions of these types: whether each holds. The others stay as they are.
    pub fn set(&self, conditions: &mut Vec<Condition>, kinds: &[(&str, bool)]) {
        for (kind, holds) in kinds {
            let old = conditions.iter_mut().find(|found| found.kind == *kind);
            let new = self.condition(kind, *holds, old.as_deref());
            match old {
                Some(old) => *old = new,
                None => conditions.push(new),
            }
        }
    }

    /// The condition of this type that follows on `old`. The time is that of the last change of its status. The message stands where it
    /// is read, in `Ready`, and where the condition holds.
    pub fn condition(&self, kind: &str, holds: bool, old: Option<&Condition>) -> Condition {
        let status = if holds {
            ConditionStatus::True
        } else {
            ConditionStatus::False
        };
        let is_told = holds || kind == "Ready";
        Condition {
            kind: kind.to_owned(),
            status,
            observed_generation: Some(self.generation),
            last_transition_time: old
                .filter(|old| old.status == status)
                .map_or(whole_second(self.now), |old| old.last_transition_time),
            reason: reason_word(self.reason),
            message: if is_told {
                cut(self.message, MESSAGE_BYTES)
            } else {
                String::new()
            },
        }
    }
}

/// The condition `Ready`, if it is there.
pub fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|found| found.kind == "Ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_the_time_of_its_last_change_and_tells_its_story_once() {
        let time = |seconds| Timestamp::from_second(seconds).unwrap();
        let story = |reason, now| Story {
            reason,
            message: "why",
            generation: now,
            now: time(now),
        };
        let mut conditions = Vec::new();
        story("NoRoom", 1).set(&mut conditions, &[("Ready", false), ("Stalled", false)]);
        story("No image!", 2).set(&mut conditions, &[("Ready", false), ("Stalled", true)]);
        let found: Vec<_> = conditions
            .iter()
            .map(|found| {
                let since = found.last_transition_time.as_second();
                (
                    found.kind.as_str(),
                    found.status,
                    since,
                    found.message.as_str(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("Ready", ConditionStatus::False, 1, "why"),
                ("Stalled", ConditionStatus::True, 2, "why"),
            ]
        );
        assert_eq!(ready(&conditions).unwrap().reason, "Noimage");
        story("Works", 3).set(&mut conditions, &[("Stalled", false)]);
        assert_eq!(conditions[1].message, "");
        assert_eq!(conditions[1].observed_generation, Some(3));
        assert_eq!(conditions[0].observed_generation, Some(2));
    }
}
