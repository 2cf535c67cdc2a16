use std::collections::BTreeMap;

use fleetscore_crds::SensorKey;

use super::document::Example;
use super::top::Top;
use crate::drawing::format;

/// Examples kept for each reason.
const EXAMPLES: usize = 5;
/// Characters kept of an example's message.
const MESSAGE_CHARS: usize = 1000;

/// Counts by reason, each with its first examples by key.
#[derive(Clone, Debug)]
pub(super) struct Reasons<R>(BTreeMap<R, (u64, Top<Example>)>);

impl<R: Ord + Copy> Reasons<R> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// One more for `reason`.
    pub(super) fn add(&mut self, reason: R, sensor: &SensorKey, message: &str) {
        let (count, examples) = self.group(reason);
        *count += 1;
        let message = format::shortened(message, MESSAGE_CHARS);
        examples.offer(Example {
            sensor: sensor.clone(),
            message,
        });
    }

    /// `more` for `reason`, of which no example is known.
    pub(super) fn add_unknown(&mut self, reason: R, more: u64) {
        if more > 0 {
            self.group(reason).0 += more;
        }
    }

    /// Reason, count and examples, the most frequent reason first.
    pub(super) fn into_groups(self) -> impl Iterator<Item = (R, u64, Vec<Example>)> {
        let mut groups: Vec<_> = self.0.into_iter().collect();
        // Stable, so reasons of equal count stay in their own order.
        groups.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        groups
            .into_iter()
            .map(|(reason, (count, examples))| (reason, count, examples.into_sorted().collect()))
    }

    fn group(&mut self, reason: R) -> &mut (u64, Top<Example>) {
        self.0
            .entry(reason)
            .or_insert_with(|| (0, Top::new(EXAMPLES)))
    }
}
