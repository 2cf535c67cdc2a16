use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run's sensors are spread over pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sharding {
    /// Sensors that one pod scores; more where the run would have more than `maxPods` pods.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub sensors_per_pod: u32,
    /// Pods that a run has at most. Where `sensorsPerPod` would need more, each pod scores as many sensors as it takes.
    // Not written where it is the default, which an older definition does not know.
    #[serde(default = "thousand", skip_serializing_if = "is_thousand")]
    #[schemars(range(min = 1, max = 100_000), extend("default" = 1000))]
    pub max_pods: u32,
    /// Pods that run at the same time.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    pub parallelism: u32,
}

impl Sharding {
    /// Sensors that each pod of a run of so many scores: `sensorsPerPod`, or so many that `maxPods` are enough.
    pub fn sensors_per_shard(&self, sensors: u64) -> u32 {
        let needed = sensors.div_ceil(u64::from(self.max_pods.max(1)));
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        needed.max(self.sensors_per_pod).max(1)
    }
}

impl Default for Sharding {
    fn default() -> Self {
        Self {
            sensors_per_pod: one(),
            max_pods: thousand(),
            parallelism: hundred(),
        }
    }
}

fn one() -> u32 {
    1
}

fn thousand() -> u32 {
    1000
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_thousand(pods: &u32) -> bool {
    *pods == thousand()
}

fn hundred() -> u32 {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_max_pods_sensors_share_a_pod() {
        for (per_pod, max_pods, sensors, expected, pods) in [
            (1, 1000, 0, 1, 0),
            (1, 1000, 999, 1, 999),
            (1, 1000, 1000, 1, 1000),
            (1, 1000, 1001, 2, 501),
            (1, 1000, 100_000, 100, 1000),
            (50, 1000, 10_000, 50, 200),
            (50, 100, 10_000, 100, 100),
            (1, 100_000, 10_000, 1, 10_000),
            (1, 1, 7, 7, 1),
            (0, 0, 7, 7, 1),
            (
                1,
                1,
                u64::MAX,
                u32::MAX,
                u64::MAX.div_ceil(u64::from(u32::MAX)),
            ),
        ] {
            let sharding = Sharding {
                sensors_per_pod: per_pod,
                max_pods,
                ..Sharding::default()
            };
            let found = sharding.sensors_per_shard(sensors);
            let case = format!("{per_pod} {max_pods} {sensors}");
            assert_eq!(found, expected, "{case}");
            assert_eq!(sensors.div_ceil(found.into()), pods, "{case}");
        }
    }
}
