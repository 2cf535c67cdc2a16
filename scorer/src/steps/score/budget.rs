use crate::steps::Limits;

/// The part of the memory that the allocator keeps of what was freed.
const KEPT: usize = 6;
/// What the process takes before it does anything: its program, its runtime, what the allocator keeps.
const PROCESS: usize = 20 << 20;
/// What a thread that computes takes: its stack, its pieces of memory of every size, rows that it works on.
const THREAD: usize = 2 << 20;
/// What a request to storage takes beside the bytes that it carries.
const REQUEST: usize = 128 << 10;
/// What a sensor of the shard takes from the first to the last: its line of the plan and of the ledger.
const LISTED: usize = 1536;
/// What a sensor takes beside its model while it is worked on.
pub const STATE: usize = 3 << 10;

/// The least bound to which a step that writes Parquet keeps. What a row group was made of is given back a second after it was written,
/// whatever the bound.
pub const PARQUET: usize = 128 << 20;

/// The shares of what is left, in twentieths: sensors, readings, predictions.
const SHARES: (usize, usize, usize) = (8, 5, 7);

/// The one account of the memory of the step: how much of it sensors, readings and predictions may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is taken in any case.
    fixed: usize,
    /// What can be shared out.
    left: usize,
    /// What models, what they are turned into, and the state of the sensors that are worked on may take.
    pub sensors: usize,
}

impl Budget {
    /// The budget of a shard of so many sensors.
    pub fn new(limits: &Limits, sensors: usize) -> Self {
        let fixed = PROCESS
            + limits.threads * THREAD
            + limits.requests * REQUEST
            + sensors.saturating_mul(LISTED);
        let usable = limits.memory - limits.memory / KEPT;
        let left = usable.saturating_sub(fixed);
        if left < limits.memory / 4 {
            tracing::warn!(
                "{sensors} sensors in a shard take more memory than the bound of {} MiB leaves; set it to {} MiB at least",
                mib(limits.memory),
                mib(fixed * 12 / 7)
            );
        }
        let left = left.max(limits.memory / 4);
        Self {
            fixed,
            left,
            sensors: share(left, SHARES.0),
        }
    }

    /// What readings and predictions may take where the sensors take `used` of their share.
    pub fn rest(&self, used: usize) -> (usize, usize) {
        let unused = self.sensors.saturating_sub(used);
        let readings = share(self.left, SHARES.1) + unused / 4;
        (readings, share(self.left, SHARES.2) + unused / 2)
    }

    /// The bound with which pages of readings that take so many bytes have room, where it was `memory`: of what is left, the readings
    /// have a part, and pages some times that part.
    pub fn with_pages(memory: usize, pages: usize) -> usize {
        (memory / 4 * 5).saturating_add(pages.saturating_mul(2))
    }

    /// The bound, in MiB, with which sensors that take so many bytes have room at the same time.
    pub fn needed(&self, sensors: usize) -> usize {
        let total = SHARES.0 + SHARES.1 + SHARES.2;
        let usable = self.fixed + sensors.saturating_mul(total) / SHARES.0;
        mib(usable.saturating_mul(KEPT) / (KEPT - 1))
    }
}

fn share(bytes: usize, part: usize) -> usize {
    bytes / (SHARES.0 + SHARES.1 + SHARES.2) * part
}

/// Bytes in MiB, rounded up.
pub fn mib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(mib: usize) -> Limits {
        Limits {
            memory: mib << 20,
            threads: 2,
            requests: 32,
        }
    }

    #[test]
    fn the_shares_are_the_bound_together() {
        for memory in [64, 256, 4096] {
            let budget = Budget::new(&limits(memory), 1000);
            for used in [0, budget.sensors / 3, budget.sensors] {
                let (readings, predictions) = budget.rest(used);
                let all = budget.fixed + used + readings + predictions;
                assert!(all <= memory << 20, "{all} of {memory} MiB");
                assert!(all >= (memory << 20) / 2, "{all} of {memory} MiB");
            }
        }
    }

    #[test]
    fn the_bound_that_is_needed_is_enough() {
        let budget = Budget::new(&limits(256), 1000);
        for sensors in [1 << 20, 100 << 20, 3 << 30] {
            let enough = Budget::new(&limits(budget.needed(sensors) + 1), 1000);
            assert!(enough.sensors >= sensors, "{enough:?} for {sensors}");
        }
    }
}
