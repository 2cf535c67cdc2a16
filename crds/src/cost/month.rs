use super::{Pool, Work};

/// What the runs of many ticks take on the same pool.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Month {
    /// Runs.
    pub runs: u32,
    /// Runs that found the nodes of the run before them.
    pub warm: u32,
    /// Ticks at which the run before had not ended, so that none began.
    pub skipped: u32,
    /// What the nodes are paid for, in seconds of a node.
    pub node_seconds: f64,
    /// Their price.
    pub price: f64,
}

impl Month {
    /// Whether the nodes never left between two runs.
    pub fn is_always_warm(&self) -> bool {
        self.runs > 1 && self.warm + 1 == self.runs
    }
}

impl Pool {
    /// What the runs of a schedule take on `nodes` nodes. `ticks` are in seconds and ascend; the first run finds no nodes.
    ///
    /// A tick at which the run before it has not ended has no run, as with `concurrencyPolicy: Forbid`.
    pub fn month(&self, work: &Work, nodes: u32, ticks: impl IntoIterator<Item = f64>) -> Month {
        let run = self.run(work, nodes);
        let mut month = Month::default();
        let mut ended = f64::NEG_INFINITY;
        let mut leaves = f64::NEG_INFINITY;
        for tick in ticks {
            if tick < ended {
                month.skipped += 1;
                continue;
            }
            let wanted = tick + work.plan_seconds;
            // A node that leaves at this very moment is gone.
            let (paid_from, wait) = if wanted < leaves {
                month.warm += 1;
                (leaves, 0.0)
            } else {
                (wanted, self.start_seconds)
            };
            let scored = wanted + wait + run.score_seconds;
            ended = scored + work.collect_seconds;
            leaves = scored + self.idle_seconds;
            month.runs += 1;
            month.node_seconds += f64::from(run.nodes) * (leaves - paid_from);
        }
        month.price = self.price(month.node_seconds);
        month
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(hours: u32) -> impl Iterator<Item = f64> {
        (0..hours).map(|hour| f64::from(hour) * 3600.0)
    }

    /// Sixty seconds of work on four nodes, each hour.
    fn work() -> Work {
        Work {
            shards: 4,
            parallelism: 4,
            shard_seconds: 60.0,
            plan_seconds: 0.0,
            collect_seconds: 0.0,
        }
    }

    fn pool(start: f64, idle: f64) -> Pool {
        Pool {
            pods_per_node: 1,
            start_seconds: start,
            idle_seconds: idle,
            price_per_hour: 1.0,
        }
    }

    #[test]
    fn idle_time_is_most_of_what_an_hourly_minute_costs() {
        for (idle, node_minutes) in [(600.0, 52.0), (120.0, 20.0)] {
            let month = pool(120.0, idle).month(&work(), 4, hourly(720));
            assert_eq!((month.runs, month.warm, month.skipped), (720, 0, 0));
            assert_eq!(month.node_seconds, node_minutes * 60.0 * 720.0);
            assert!(!month.is_always_warm());
        }
        let warm = pool(120.0, 3600.0).month(&work(), 4, hourly(720));
        assert!(warm.is_always_warm());
        // The nodes come once, two minutes late, and are there until an hour after the last run's end.
        assert_eq!(warm.node_seconds, 4.0 * (719.0 * 3600.0 + 60.0 + 3600.0));
        assert_eq!(warm.price, warm.node_seconds / 3600.0);
    }

    #[test]
    fn where_only_a_cold_run_lasts_into_the_next_every_other_is_warm() {
        // Cold: 40 minutes until the nodes leave, which is after the tick. Warm: 20.
        let month = pool(1200.0, 1140.0).month(&work(), 1, (0..10).map(|n| f64::from(n) * 1800.0));
        assert_eq!((month.runs, month.warm), (10, 5));
    }

    #[test]
    fn a_run_that_outlasts_the_interval_skips_ticks() {
        let month = pool(120.0, 60.0).month(&work(), 1, (0..10).map(|n| f64::from(n) * 100.0));
        // 360 s, then warm 240 s each: 0, 400, 700, then the ticks of 1000 and later are no more.
        assert_eq!((month.runs, month.skipped), (3, 7));
    }

    #[test]
    fn no_tick_costs_nothing() {
        assert_eq!(pool(1.0, 1.0).month(&work(), 4, []), Month::default());
    }
}
