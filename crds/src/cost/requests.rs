use serde_json::Value;

use super::Resources;
use crate::contract::{run_pod, worker_pod};
use crate::{PodTemplate, WorkerSpec, thousandths};

/// What a score pod with this template and worker requests, where the operator's own template says nothing else.
///
/// # Errors
///
/// A request that is no quantity, with its name.
pub fn requests(template: &PodTemplate, worker: Option<&WorkerSpec>) -> Result<Resources, String> {
    let list = |name: &str| {
        let list = template.spec.get(name).and_then(Value::as_array);
        list.map_or(&[][..], Vec::as_slice)
    };
    let containers = list("containers");
    let is_scorer = |container: &&Value| container["name"] == run_pod::CONTAINER;
    let scorer_cpu = worker.map_or(run_pod::SCORE_CPU, WorkerSpec::scorer_cpu);
    let scorer = containers.iter().find(is_scorer);
    let (mut cpu, mut memory) = asked(scorer, scorer_cpu, run_pod::SCORE_MEMORY)?;
    let is_worker = |container: &&Value| container["name"] == worker_pod::CONTAINER;
    let beside = list("initContainers");
    if let Some(worker) = worker {
        let own = beside.iter().find(is_worker);
        let worker_memory = format!("{}Mi", worker.container_memory_mib());
        let more = asked(own, &worker.processes.to_string(), &worker_memory)?;
        (cpu, memory) = (cpu.saturating_add(more.0), memory.saturating_add(more.1));
    }
    // A container that prepares the pod is gone when the others start, unless it goes on beside them.
    let beside = beside
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
        .filter(|container| worker.is_none() || !is_worker(container));
    let others = containers.iter().filter(|container| !is_scorer(container));
    for other in others.chain(beside) {
        for (name, sum) in [("cpu", &mut cpu), ("memory", &mut memory)] {
            let resources = &other["resources"];
            // What has a limit alone requests it.
            let asked = match amount(&resources["requests"], name)? {
                Some(asked) => Some(asked),
                None => amount(&resources["limits"], name)?,
            };
            *sum = sum.saturating_add(asked.unwrap_or(0));
        }
    }
    Ok(Resources {
        cpu,
        memory: Some(memory.div_ceil(1000)),
    })
}

/// CPU and memory that a container of the template requests, in thousandths; `cpu` and `memory` where it does not say.
fn asked(container: Option<&Value>, cpu: &str, memory: &str) -> Result<(u64, u64), String> {
    let requests = &container.unwrap_or(&Value::Null)["resources"]["requests"];
    let or = |asked: Option<u64>, text| asked.or(thousandths(text)).unwrap_or(0);
    Ok((
        or(amount(requests, "cpu")?, cpu),
        or(amount(requests, "memory")?, memory),
    ))
}

/// The amount of a resource in thousandths; none where it is not given.
fn amount(resources: &Value, name: &str) -> Result<Option<u64>, String> {
    let text = match &resources[name] {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let found = thousandths(&text)
        .ok_or_else(|| format!("{name}: {text:?} is not a quantity such as 500m or 384Mi"))?;
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::WorkerUse;

    fn requested(containers: &Value) -> Result<Resources, String> {
        let template = json!({"spec": {"containers": containers}});
        requests(&serde_json::from_value(template).unwrap(), None)
    }

    #[test]
    fn a_pod_requests_what_its_containers_do() {
        let mib = 1_u64 << 20;
        let of = |cpu, memory: u64| {
            Ok(Resources {
                cpu,
                memory: Some(memory * mib),
            })
        };
        assert_eq!(requests(&PodTemplate::default(), None), of(1000, 384));
        let scorer = json!({"name": "scorer", "resources": {"requests": {"cpu": 2}}});
        assert_eq!(requested(&json!([scorer])), of(2000, 384));
        let side = json!({"name": "side", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "16Mi"}}});
        assert_eq!(
            requested(&json!([scorer, side, {"name": "bare"}])),
            of(2100, 400)
        );
        let wrong = json!({"name": "scorer", "resources": {"requests": {"memory": "lots"}}});
        assert!(
            requested(&json!([wrong]))
                .unwrap_err()
                .contains("memory: \"lots\"")
        );
    }

    #[test]
    fn a_worker_is_counted_beside_the_scorer() {
        let worker = WorkerSpec {
            processes: 3,
            memory_mib: 500,
            ..WorkerSpec::default()
        };
        let of = |worker: &WorkerSpec, template: Value| {
            let found = requests(&serde_json::from_value(template).unwrap(), Some(worker)).unwrap();
            (found.cpu, found.memory.unwrap() >> 20)
        };
        // The scorer only reads and writes: 250m and 384 MiB. The worker: 3 CPUs, 3 * 500 + 128 MiB.
        assert_eq!(of(&worker, json!({})), (3250, 384 + 1628));
        let refused = WorkerSpec {
            used: WorkerUse::Refused,
            ..worker.clone()
        };
        assert_eq!(of(&refused, json!({})), (4000, 384 + 1628));
        let template = json!({"spec": {"initContainers": [
            {"name": "worker", "resources": {"requests": {"cpu": "500m"}}},
            {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
            {"name": "fetch", "resources": {"requests": {"cpu": "8"}}},
        ]}});
        assert_eq!(of(&worker, template), (850, 384 + 1628));
    }
}
