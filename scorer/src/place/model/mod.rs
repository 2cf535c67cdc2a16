//! A model test: two runs write to one place at once, on storage that is slow and out of order; their processes are killed and
//! begin again at any moment. Whatever the order of events, the invariants of [`world::World`] hold; of a run and its retry in place, those
//! of [`retry`].

mod actor;
mod retry;
mod store;
mod world;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::actor::{Habits, Kind};
use self::world::World;

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![2 => Just(Kind::Pods), 1 => Just(Kind::Process)]
}

fn habits() -> impl Strategy<Value = Habits> {
    let crashes = prop::collection::vec(prop_oneof![0..3_000_u64, 0..90_000_u64], 0..4);
    let waits = prop_oneof![Just(0), 0..2_000_u64, 0..200_000_u64];
    (kind(), waits, crashes, prop::bool::weighted(0.1)).prop_map(
        |(kind, begins, crashes, given_up)| Habits {
            kind,
            begins,
            crashes,
            given_up,
        },
    )
}

/// The same cases each time, unless the environment asks for others (`PROPTEST_RNG_SEED`, `PROPTEST_CASES`).
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 200,
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            seed @ RngSeed::Fixed(_) => seed,
        },
        ..given
    }
}

/// Orders of effects that were seen, as hashes.
static SEEN: Mutex<Option<HashSet<u64>>> = Mutex::new(None);

fn check(seed: u64, runs: [Habits; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let order = runtime.block_on(async {
        let world = World::new(seed).await;
        Box::pin(world.play(runs)).await
    });
    let mut seen = SEEN.lock().unwrap();
    let seen = seen.get_or_insert_default();
    if seen.insert(order) && seen.len().is_power_of_two() {
        println!("{} different orders of writes and deletions", seen.len());
    }
}

/// How many retries came to their end.
static RETRIED: AtomicUsize = AtomicUsize::new(0);

fn check_retry(seed: u64, runs: [Habits; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    if runtime.block_on(Box::pin(retry::play(seed, runs))) {
        let count = RETRIED.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            println!("{count} retries came to their end");
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_retry_touches_nothing_of_the_run(seed in any::<u64>(), run in habits(), mut retry in habits(), later in 0..600_000_u64) {
        retry.begins += later;
        check_retry(seed, [run, retry]);
    }

    #[test]
    fn a_result_is_never_mixed(seed in any::<u64>(), one in habits(), other in habits()) {
        check(seed, [one, other]);
    }
}
