use serde_json::Value;

use super::Resources;
use crate::contract::run_pod;
use crate::{PodTemplate, thousandths};

/// What a score pod with this template requests, where the operator's own template says nothing else.
///
/// # Errors
///
/// A request that is no quantity, with its name.
pub fn requests(template: &PodTemplate) -> Result<Resources, String> {
    let containers = template.spec.get("containers").and_then(Value::as_array);
    let containers: &[Value] = containers.map_or(&[], Vec::as_slice);
    let is_scorer = |container: &&Value| container["name"] == run_pod::CONTAINER;
    let scorer = containers.iter().find(is_scorer).unwrap_or(&Value::Null);
    let mut cpu = amount(&scorer["resources"]["requests"], "cpu")?;
    let mut memory = amount(&scorer["resources"]["requests"], "memory")?;
    cpu = cpu.or(thousandths(run_pod::SCORE_CPU));
    memory = memory.or(thousandths(run_pod::SCORE_MEMORY));
    let (mut cpu, mut memory) = (cpu.unwrap_or(0), memory.unwrap_or(0));
    for other in containers.iter().filter(|container| !is_scorer(container)) {
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

    fn requested(containers: &Value) -> Result<Resources, String> {
        requests(&serde_json::from_value(json!({"spec": {"containers": containers}})).unwrap())
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
        assert_eq!(requests(&PodTemplate::default()), of(1000, 384));
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
}
