use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Claim, Owner};

/// What a process sees of the partitions of its stream.
#[derive(Debug)]
pub struct View<'a> {
    /// The process itself.
    pub me: &'a Owner,
    /// Whether no other process can be there, since this one holds the folder's lock.
    pub is_alone: bool,
    /// A claim that has not changed for so long is free.
    pub lease: Duration,
    /// The topic's partitions, and what was last seen of each.
    pub partitions: &'a BTreeMap<i32, Seen>,
    /// Those that this process works on.
    pub held: &'a BTreeSet<i32>,
}

/// What was last seen of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its claim; none: there is no such object yet.
    pub claim: Option<Claim>,
    /// When this was seen first, by the process's own clock, which only goes forward.
    pub since: Duration,
}

/// The partitions that the process should claim at `now`: free ones up to its fair share, else one of an owner that has at least two more.
pub fn decide(view: &View, now: Duration) -> Vec<i32> {
    let owners = live_owners(view, now);
    let mine = view.held.len();
    let share = view.partitions.len().div_ceil(owners.len() + 1);
    let free = view
        .partitions
        .iter()
        .filter(|(partition, seen)| !view.held.contains(partition) && is_free(view, seen, now));
    let free: Vec<i32> = free.map(|(partition, _)| *partition).collect();
    if !free.is_empty() {
        return free.into_iter().take(share.saturating_sub(mine)).collect();
    }
    let most = owners.into_values().max_by_key(Vec::len);
    most.filter(|theirs| theirs.len() >= mine + 2)
        .and_then(|theirs| theirs.last().copied())
        .into_iter()
        .collect()
}

/// The partitions of each other process that is at work.
fn live_owners<'a>(view: &View<'a>, now: Duration) -> BTreeMap<&'a Owner, Vec<i32>> {
    let mut owners = BTreeMap::<_, Vec<i32>>::new();
    for (partition, seen) in view.partitions {
        if view.held.contains(partition) || is_free(view, seen, now) {
            continue;
        }
        if let Some(owner) = seen.claim.as_ref().and_then(|claim| claim.owner.as_ref()) {
            owners.entry(owner).or_default().push(*partition);
        }
    }
    owners
}

/// Whether nobody works on it: it was given back; it is an earlier process's of this pod, or this one's, which does not know of it; or its
/// owner has not written for the lease. Only for what is not held.
pub(super) fn is_free(view: &View, seen: &Seen, now: Duration) -> bool {
    let Some(owner) = seen.claim.as_ref().and_then(|claim| claim.owner.as_ref()) else {
        return true;
    };
    view.is_alone || owner.pod == view.me.pod || now.saturating_sub(seen.since) >= view.lease
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEASE: Duration = Duration::from_mins(2);

    fn owner(pod: &str) -> Owner {
        Owner {
            pod: pod.to_owned(),
            nonce: format!("{pod}-1"),
        }
    }

    fn seen(pod: &str, since: u64) -> Seen {
        let claim = Claim {
            epoch: 1,
            sequence: 5,
            owner: (!pod.is_empty()).then(|| owner(pod)),
        };
        Seen {
            claim: (pod != "-").then_some(claim),
            since: Duration::from_secs(since),
        }
    }

    /// What `a` claims at 1,000 s: of partitions owned by the pods named, each seen since so many seconds.
    fn claims(partitions: &[(&str, u64)], held: &[i32], is_alone: bool) -> Vec<i32> {
        let partitions = (0..)
            .zip(partitions)
            .map(|(number, (pod, since))| (number, seen(pod, *since)))
            .collect();
        let view = View {
            me: &owner("a"),
            is_alone,
            lease: LEASE,
            partitions: &partitions,
            held: &held.iter().copied().collect(),
        };
        decide(&view, Duration::from_secs(1000))
    }

    #[test]
    fn what_is_free_is_claimed_up_to_the_fair_share() {
        for (partitions, held, expected) in [
            // Nobody else: all.
            (
                &[("-", 1000), ("-", 1000), ("", 1000)][..],
                &[][..],
                &[0, 1, 2][..],
            ),
            // Another one works: half, rounded up.
            (
                &[("b", 990), ("-", 1000), ("-", 1000), ("-", 1000)],
                &[],
                &[1, 2],
            ),
            (&[("b", 990), ("-", 1000), ("-", 1000)], &[], &[1, 2]),
            (&[("b", 990), ("a", 990), ("-", 1000)], &[1], &[2]),
            (
                &[("b", 990), ("a", 990), ("a", 990), ("-", 1000)],
                &[1, 2],
                &[],
            ),
            // The lease ends after 120 s without a change, not before.
            (&[("b", 880), ("b", 880)], &[], &[0, 1]),
            (&[("b", 881), ("b", 881)], &[], &[1]),
            (&[("b", 881)], &[], &[]),
            // One that has not written for long is no owner that takes a share.
            (
                &[("b", 500), ("c", 990), ("c", 990), ("-", 990)],
                &[],
                &[0, 3],
            ),
            // Its own of an earlier start, or of a claim whose answer was lost.
            (&[("a", 1000), ("b", 990)], &[], &[0]),
        ] {
            assert_eq!(claims(partitions, held, false), expected, "{partitions:?}");
        }
    }

    #[test]
    fn one_a_round_is_taken_from_who_has_two_more() {
        for (partitions, held, expected) in [
            (&[("b", 990), ("b", 990)][..], &[][..], &[1][..]),
            (&[("b", 990)], &[], &[]),
            (&[("b", 990), ("b", 990), ("a", 990)], &[2], &[]),
            (
                &[("b", 990), ("b", 990), ("b", 990), ("a", 990)],
                &[3],
                &[2],
            ),
            (
                &[("b", 990), ("c", 990), ("c", 990), ("c", 990), ("a", 990)],
                &[4],
                &[3],
            ),
        ] {
            assert_eq!(claims(partitions, held, false), expected, "{partitions:?}");
        }
    }

    #[test]
    fn who_holds_the_lock_waits_for_nobody() {
        assert_eq!(claims(&[("b", 1000), ("c", 1000)], &[], true), [0, 1]);
    }

    proptest! {
        /// Pods that come and go, each deciding by what is there: soon every partition has one live owner, and none has two more than
        /// another, whatever the order in which they look.
        #[test]
        fn all_partitions_are_soon_held_evenly(
            partitions in 1..33_i32,
            pods in 1..6_usize,
            gone in 0..4_usize,
            order in prop::collection::vec(any::<prop::sample::Index>(), 400),
        ) {
            let names = ["a", "b", "c", "d", "e", "f"];
            // Claims of pods that are no longer there, seen since 0.
            let mut world: BTreeMap<i32, Seen> = (0..partitions)
                .map(|number| (number, if gone == 0 { seen("-", 0) } else { seen(names[5], 0) }))
                .collect();
            for index in order {
                let me = owner(names[index.index(pods)]);
                let of_me = |seen: &Seen| seen.claim.as_ref().is_some_and(|claim| claim.owner.as_ref() == Some(&me));
                let held = world.iter().filter(|(_, seen)| of_me(seen)).map(|(number, _)| *number).collect();
                let view = View { me: &me, is_alone: false, lease: LEASE, partitions: &world, held: &held };
                for number in decide(&view, LEASE) {
                    let entry = &world[&number];
                    let claim = Claim::after(entry.claim.as_ref(), me.clone());
                    world.insert(number, Seen { claim: Some(claim), since: LEASE });
                }
            }
            let mut counts = BTreeMap::<String, usize>::new();
            for seen in world.values() {
                let owner = seen.claim.as_ref().and_then(|claim| claim.owner.clone()).unwrap();
                *counts.entry(owner.pod).or_default() += 1;
            }
            let most = counts.values().max().unwrap();
            let least = if counts.len() < pods { 0 } else { *counts.values().min().unwrap() };
            prop_assert!(!counts.contains_key(names[5]) && most - least <= 1, "{counts:?}");
        }
    }
}
