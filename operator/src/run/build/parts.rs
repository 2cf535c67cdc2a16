use fleetscore_crds::contract::run_pod::SHARDS_PER_JOB;

/// One score Job's share of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which of the run's score Jobs, counted from 0.
    pub index: u32,
    /// Its first shard.
    pub offset: u32,
    /// Its number of shards.
    pub shards: u32,
    /// Its pods at the same time.
    pub parallelism: u32,
}

/// How `shards` are shared out to Jobs of which `lanes` run at a time: each lane has its part of `parallelism`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The Jobs in order.
    pub all: Vec<Part>,
    /// Jobs that run at the same time.
    pub lanes: u32,
}

/// Shares `shards` out to Jobs of at most [`SHARDS_PER_JOB`].
pub fn parts(shards: u32, parallelism: u32) -> Parts {
    let jobs = shards.div_ceil(SHARDS_PER_JOB);
    let lanes = jobs.min(parallelism).max(1);
    let (share, rest) = (parallelism / lanes, parallelism % lanes);
    let all = (0..jobs)
        .map(|index| {
            let offset = index * SHARDS_PER_JOB;
            let shards = (shards - offset).min(SHARDS_PER_JOB);
            let more = u32::from(index % lanes < rest);
            Part {
                index,
                offset,
                shards,
                parallelism: (share + more).clamp(1, shards),
            }
        })
        .collect();
    Parts { all, lanes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_job_takes_all_the_parallelism() {
        let found = parts(15, 100);
        assert_eq!(found.lanes, 1);
        assert_eq!(
            found.all,
            [Part {
                index: 0,
                offset: 0,
                shards: 15,
                parallelism: 15
            }]
        );
        assert!(parts(0, 100).all.is_empty());
    }

    #[test]
    fn lanes_share_it() {
        let found = parts(25_000, 5);
        assert_eq!(found.lanes, 3);
        let shares: Vec<_> = found.all.iter().map(|part| part.parallelism).collect();
        assert_eq!(shares, [2, 2, 1]);
        let found = parts(50_000, 2);
        assert_eq!((found.lanes, found.all.len()), (2, 5));
        assert!(found.all.iter().all(|part| part.parallelism == 1));
    }

    proptest! {
        #[test]
        fn every_shard_is_in_one_job(shards in 0_u32..2_000_000, parallelism in 1_u32..100_000) {
            let found = parts(shards, parallelism);
            let mut next = 0;
            for (index, part) in found.all.iter().enumerate() {
                prop_assert_eq!((part.index as usize, part.offset), (index, next));
                prop_assert!(part.shards >= 1 && part.shards <= SHARDS_PER_JOB);
                prop_assert!(part.parallelism >= 1 && part.parallelism <= part.shards);
                next += part.shards;
            }
            prop_assert_eq!(next, shards);
            let running: u64 = found.all.iter().take(found.lanes as usize).map(|part| u64::from(part.parallelism)).sum();
            prop_assert!(running <= u64::from(parallelism));
        }
    }
}
