use fleetscore_crds::contract::Reason;
use proptest::prelude::*;

use super::*;
use crate::stream::testing::{at, partition, process, start, trouble};

const ID: &str = "plant/pumps";

fn picture(answers: &[(&str, Result<ProcessStatus, String>)], now: Timestamp) -> Picture {
    let mut picture = Picture::default();
    for (pod, answer) in answers {
        picture.add(pod, answer.clone(), ID, now);
    }
    picture
}

fn silent() -> Result<ProcessStatus, String> {
    Err("connection refused".to_owned())
}

fn owners(picture: &Picture) -> Vec<(i32, &str)> {
    let owned = picture.owned.iter();
    owned
        .map(|(number, owned)| (*number, owned.pod.as_str()))
        .collect()
}

#[test]
fn of_two_that_own_a_partition_the_higher_epoch_does() {
    let mut zombie = process([0, 1]);
    zombie.owned[1].epoch = 7;
    let mut owner = process([1, 2]);
    owner.owned[0].epoch = 8;
    for answers in [
        [("b", Ok(zombie.clone())), ("a", Ok(owner.clone()))],
        [("a", Ok(owner)), ("b", Ok(zombie))],
    ] {
        let picture = picture(&answers, start());
        assert_eq!(owners(&picture), [(0, "b"), (1, "a"), (2, "a")]);
        assert!(!picture.is_whole());
    }
}

#[test]
fn what_a_pod_said_counts_for_a_while_when_it_does_not_answer() {
    let mut troubled = process([0, 1]);
    troubled.trouble = Some(trouble("StorageUnavailable"));
    let both = [("a", Ok(troubled)), ("b", Ok(process([2, 3])))];
    let before = picture(&both, at(0));
    assert!(before.is_whole());
    let after = |previous: &Picture, seconds: i64| {
        let mut now = picture(&[("a", silent()), ("b", Ok(process([2, 3])))], at(seconds));
        now.follow(previous, at(seconds));
        now
    };
    let first = after(&before, 15);
    assert!(first.is_whole());
    assert_eq!(first.troubles["a"].trouble.reason, "StorageUnavailable");
    assert_eq!(first.lost(at(15)).count(), 0);
    let later = after(&first, 59);
    assert_eq!(owners(&later), [(0, "a"), (1, "a"), (2, "b"), (3, "b")]);
    let last = after(&later, 75);
    assert_eq!(owners(&last), [(2, "b"), (3, "b")]);
    assert!(last.troubles.is_empty());
    assert_eq!(
        last.lost(at(75)).collect::<Vec<_>>(),
        [("a", "connection refused")]
    );
    // Someone else has it by then.
    let mut taken = process([0, 1, 2, 3]);
    taken.owned[0].epoch = 2;
    let mut now = picture(&[("a", silent()), ("b", Ok(taken))], at(30));
    now.follow(&before, at(30));
    assert_eq!(owners(&now)[0], (0, "b"));
    // A pod that is gone says nothing any more.
    let mut now = picture(&[("b", Ok(process([2, 3])))], at(15));
    now.follow(&before, at(15));
    assert_eq!(owners(&now), [(2, "b"), (3, "b")]);
}

#[test]
fn an_answer_for_another_stream_or_from_nowhere_is_none() {
    let mut other = process([0]);
    other.stream = "plant/fans\u{1b}".to_owned();
    let picture = picture(&[("a", Ok(other))], start());
    assert_eq!(picture.owned.len(), 0);
    assert_eq!(
        picture.silent["a"].why,
        "it speaks for the stream \"plant/fans\\\\u{1b}\""
    );
}

#[test]
fn a_pod_fills_no_memory() {
    let mut loud = process([-1, 0, 9_999, 10_000, i32::MAX]);
    loud.owned[1].stall = Some(Trouble {
        reason: "R".repeat(100_000),
        message: "m".repeat(100_000),
    });
    let picture = picture(&[("a", Ok(loud))], start());
    assert_eq!(owners(&picture), [(0, "a"), (9_999, "a")]);
    let stall = picture.owned[&0].status.stall.as_ref().unwrap();
    assert!(stall.reason.len() <= 64 && stall.message.len() <= 1000);
}

/// A pod's answer as a pod may give it, in disorder.
fn answer() -> impl Strategy<Value = Result<ProcessStatus, String>> {
    let owned = prop::collection::vec((0..6_i32, 0..4_u64, 0..100_u64), 0..6);
    let answer = (
        owned,
        prop::option::of(0..8_u32),
        prop::option::of(0..100_i64),
    )
        .prop_map(|(owned, partitions, through)| {
            let mut status = process([]);
            status.partitions = partitions;
            status.complete_through = through.map(at);
            status.last_segment = through.map(|start| SegmentStatus {
                start: at(start),
                rows: 1,
                files: 1,
                gaps: false,
            });
            for (number, epoch, lag) in owned {
                let mut one = partition(number);
                (one.epoch, one.lag_events) = (epoch, Some(lag));
                one.counts.invalid.insert(Reason::BadTime, lag);
                status.owned.push(one);
            }
            status
        });
    prop_oneof![4 => answer.prop_map(Ok), 1 => Just(silent())]
}

proptest! {
    #[test]
    fn the_order_of_answers_does_not_matter(answers in prop::collection::vec(answer(), 0..5)) {
        let named: Vec<_> = answers.into_iter().enumerate().map(|(number, answer)| (format!("p{number}"), answer)).collect();
        let forward: Vec<_> = named.iter().map(|(pod, answer)| (pod.as_str(), answer.clone())).collect();
        let mut backward = forward.clone();
        backward.reverse();
        prop_assume!(forward.iter().all(|(_, answer)| answer.as_ref().is_ok_and(unique) || answer.is_err()));
        let one = picture(&forward, start());
        prop_assert_eq!(&one, &picture(&backward, start()));
        // Each partition is whose epoch is the highest.
        for (number, owned) in &one.owned {
            let claims = named.iter().filter_map(|(_, answer)| answer.as_ref().ok()).flat_map(|status| &status.owned);
            let highest = claims.filter(|claim| claim.partition == *number).map(|claim| claim.epoch).max();
            prop_assert_eq!(Some(owned.status.epoch), highest);
        }
    }
}

/// Whether the answer tells of each partition once.
fn unique(status: &ProcessStatus) -> bool {
    let numbers: std::collections::BTreeSet<_> =
        status.owned.iter().map(|one| one.partition).collect();
    numbers.len() == status.owned.len()
}
