use fleetscore_crds::Limit;

/// Events that are looked back at.
const EVENTS: usize = 10_000;

/// Before so many events nothing is said of their share.
const LEAST: usize = 1_000;

/// Which of a partition's last events could not be used.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// A ring of the last events.
    is_invalid: Vec<bool>,
    next: usize,
    invalid: usize,
}

impl Recent {
    /// Notes an event.
    pub fn add(&mut self, is_invalid: bool) {
        if self.is_invalid.len() < EVENTS {
            self.is_invalid.push(is_invalid);
        } else if let Some(oldest) = self.is_invalid.get_mut(self.next) {
            self.invalid -= usize::from(*oldest);
            *oldest = is_invalid;
            self.next = (self.next + 1) % EVENTS;
        }
        self.invalid += usize::from(is_invalid);
    }

    /// How many of how many events could not be used, where these are more than the limit.
    pub fn above(&self, limit: Limit) -> Option<(usize, usize)> {
        let events = self.is_invalid.len();
        let is_above = events >= LEAST && self.invalid as u64 > limit.of(events as u64);
        is_above.then_some((self.invalid, events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(events: impl IntoIterator<Item = bool>) -> Recent {
        let mut recent = Recent::default();
        events.into_iter().for_each(|event| recent.add(event));
        recent
    }

    #[test]
    fn a_share_is_told_from_a_thousand_events_on() {
        let half = Limit::Percent(50);
        assert_eq!(recent([true; 999]).above(half), None);
        assert_eq!(recent([true; 1000]).above(half), Some((1000, 1000)));
        let alternating = |events: usize| (0..events).map(|event| event % 2 == 0);
        assert_eq!(recent(alternating(1000)).above(half), None);
        assert_eq!(recent(alternating(1001)).above(half), Some((501, 1001)));
        assert_eq!(recent([true; 1000]).above(Limit::Percent(100)), None);
    }

    #[test]
    fn old_events_count_no_longer() {
        let bad_once = [true; 10_000].into_iter().chain([false; 5_000]);
        assert_eq!(recent(bad_once.clone()).above(Limit::Percent(50)), None);
        assert_eq!(
            recent(bad_once).above(Limit::Percent(49)),
            Some((5_000, 10_000))
        );
    }
}
