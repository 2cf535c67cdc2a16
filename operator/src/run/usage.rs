//! What machines the scoring of a run took. Pure.

use fleetscore_crds::{Step, Usage};
use jiff::Timestamp;
use serde_json::Value;

use super::build;
use super::job_view::JobView;
use super::snapshot::RunSnapshot;
use crate::config::{Config, Cost};

/// Seconds of an hour, for which prices are.
const HOUR: f64 = 3600.0;
/// An amount is written in so many parts of a unit of its currency.
const PARTS: f64 = 10_000.0;

/// The machines of a run that ends at `now`: as many as its score pods fill, from the start of the first score Job to the end of the
/// last, and as long as a machine then stays idle. None where no pod was to score, or the configuration does not say how many CPUs a
/// machine has.
///
/// The Jobs' time holds the wait for machines, and a machine is paid for from about then on. Runs that follow each other sooner than
/// machines go share them: the idle time of all but the last is then counted twice.
pub fn usage(
    config: &Config,
    run: &RunSnapshot,
    jobs: &[JobView],
    now: Timestamp,
) -> Option<Usage> {
    let cost = config.cost.as_ref()?;
    let jobs = || jobs.iter().filter(|job| job.step == Step::Score);
    let begun = jobs().filter_map(|job| job.started).min()?;
    let ended = jobs().map(|job| job.ended.unwrap_or(now)).max()?;
    let seconds = u64::try_from(ended.duration_since(begun).as_secs()).unwrap_or(0);
    let pods = run.plan()?.pods.min(run.spec.sharding.parallelism);
    let nodes = pods.div_ceil(pods_per_node(cost, cpu(config, run)?)).max(1);
    let node_seconds = u64::from(nodes).saturating_mul(seconds + u64::from(cost.idle_seconds));
    let amount = cost.price_per_node_hour.map(|price| {
        #[allow(clippy::cast_precision_loss)] // An estimate.
        let hours = node_seconds as f64 / HOUR;
        (hours * price * PARTS).round() / PARTS
    });
    Some(Usage {
        nodes,
        node_seconds,
        amount,
        currency: amount.and_then(|_| cost.currency.clone()),
    })
}

/// Score pods that a machine takes at the same time.
fn pods_per_node(cost: &Cost, cpu: f64) -> u32 {
    let pods = (cost.cpus_per_node / cpu)
        .floor()
        .clamp(1.0, f64::from(u32::MAX));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is in the range.
    let pods = pods as u32;
    pods
}

/// CPUs that a score pod asks for. None where it asks for none, so that any number of them would fit.
fn cpu(config: &Config, run: &RunSnapshot) -> Option<f64> {
    let pod = build::pod(config, run, Step::Score, None);
    let containers = pod["spec"]["containers"].as_array()?;
    let preparing = pod["spec"]["initContainers"].as_array();
    // A container that prepares the pod is gone when the others start, unless it goes on beside them.
    let beside = preparing
        .into_iter()
        .flatten()
        .filter(|container| container["restartPolicy"] == "Always");
    let resources = containers
        .iter()
        .chain(beside)
        .map(|container| &container["resources"]);
    // Where there is only a limit, Kubernetes makes it the request.
    let asked = resources.filter_map(|resources| {
        let request = cpus(&resources["requests"]["cpu"]);
        request.or_else(|| cpus(&resources["limits"]["cpu"]))
    });
    Some(asked.sum()).filter(|cpu| *cpu > 0.0)
}

/// CPUs as Kubernetes writes them: `500m`, `"2"`, `1.5`.
fn cpus(quantity: &Value) -> Option<f64> {
    let text = match quantity {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (number, part) = match text.strip_suffix('m') {
        Some(number) => (number, 1000.0),
        None => (text.as_str(), 1.0),
    };
    let number: f64 = number.parse().ok()?;
    Some(number / part).filter(|cpus| cpus.is_finite() && *cpus >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{at, complete, config, job, planned};
    use serde_json::json;

    fn priced(cost: Value) -> Config {
        Config {
            cost: Some(serde_json::from_value(cost).unwrap()),
            ..config()
        }
    }

    /// A run whose score pods ask for one CPU each.
    fn run(pods: u32, parallelism: u32) -> RunSnapshot {
        let mut run = planned(pods);
        run.spec.sharding.parallelism = parallelism;
        run
    }

    fn score(from: i64, to: i64) -> JobView {
        JobView {
            started: Some(at(from)),
            ended: Some(at(to)),
            ..complete(job(Step::Score, 0))
        }
    }

    #[test]
    fn machines_are_paid_from_the_first_job_until_they_are_idle_no_more() {
        let cost = json!({"cpusPerNode": 3.8, "idleSeconds": 120, "pricePerNodeHour": 0.19, "currency": "EUR"});
        let jobs = [
            score(100, 300),
            score(150, 400),
            complete(job(Step::Collect, 0)),
        ];
        let found = usage(&priced(cost), &run(100, 10), &jobs, at(999)).unwrap();
        // Three pods a machine, ten at a time: four machines, for 300 s of work and 120 s of nothing.
        assert_eq!((found.nodes, found.node_seconds), (4, 4 * 420));
        // 0.4667 h at 0.19.
        assert_eq!(found.amount, Some(0.0887));
        assert_eq!(found.currency.as_deref(), Some("EUR"));
    }

    #[test]
    fn a_few_pods_fill_few_machines_and_a_large_one_has_its_own() {
        let config = priced(json!({"cpusPerNode": 4}));
        let jobs = [JobView {
            ended: None,
            ..score(0, 0)
        }];
        let found = usage(&config, &run(5, 100), &jobs, at(60)).unwrap();
        assert_eq!((found.nodes, found.node_seconds), (2, 120));
        assert_eq!((found.amount, found.currency), (None, None));
        let mut large = run(5, 100);
        let resources = json!([{"name": "scorer", "resources": {"requests": {"cpu": "16"}}}]);
        large
            .spec
            .pod_template
            .spec
            .insert("containers".to_owned(), resources);
        assert_eq!(usage(&config, &large, &jobs, at(60)).unwrap().nodes, 5);
    }

    #[test]
    fn a_worker_takes_room_of_its_own() {
        let config = priced(json!({"cpusPerNode": 4}));
        let jobs = [score(0, 60)];
        let mut run = run(8, 100);
        assert_eq!(usage(&config, &run, &jobs, at(60)).unwrap().nodes, 2);
        let worker = json!({"image": "plant/predict:3", "processes": 1});
        run.spec.model.worker = Some(serde_json::from_value(worker).unwrap());
        // 250m for the scorer and a CPU for Python: three pods on a machine.
        assert_eq!(usage(&config, &run, &jobs, at(60)).unwrap().nodes, 3);
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let sized = priced(json!({"cpusPerNode": 4}));
        let jobs = [score(0, 10)];
        assert_eq!(usage(&config(), &run(5, 100), &jobs, at(60)), None);
        assert_eq!(usage(&sized, &run(5, 100), &[], at(60)), None);
        let mut free = run(5, 100);
        let resources = json!([{"name": "scorer", "resources": {"requests": {"cpu": "0"}}}]);
        free.spec
            .pod_template
            .spec
            .insert("containers".to_owned(), resources);
        assert_eq!(usage(&sized, &free, &jobs, at(60)), None);
    }

    #[test]
    fn cpus_are_read_as_kubernetes_writes_them() {
        for (quantity, expected) in [
            (json!("500m"), Some(0.5)),
            (json!("2"), Some(2.0)),
            (json!(1.5), Some(1.5)),
            (json!("inf"), None),
            (json!("-1"), None),
            (json!("x"), None),
            (json!(null), None),
        ] {
            assert_eq!(cpus(&quantity), expected, "{quantity}");
        }
    }
}
