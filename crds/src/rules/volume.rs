//! Rules of mounted file servers.

use serde_json::Value;

use super::{Rule, Subject, rule};

/// Folders of a pod's own.
const TAKEN: [&str; 6] = ["/dev/", "/etc/", "/proc/", "/run/", "/scratch/", "/sys/"];

/// Rules of the list of volumes.
pub fn volumes() -> Vec<Rule> {
    vec![
        rule(
            "self.all(a, self.exists_one(b, b.name == a.name))",
            |volumes| has_once(volumes, "name"),
            "must not hold a name twice",
            "",
        ),
        rule(
            "self.all(a, self.exists_one(b, b.mountPath == a.mountPath))",
            |volumes| has_once(volumes, "mountPath"),
            "must not mount two volumes at one path",
            "",
        ),
    ]
}

/// Rules of a volume.
pub fn volume() -> Vec<Rule> {
    let taken = TAKEN.map(|taken| format!("(self.mountPath + '/').startsWith('{taken}')"));
    vec![
        rule(
            "(has(self.claim) ? 1 : 0) + (has(self.nfs) ? 1 : 0) + (has(self.csi) ? 1 : 0) == 1",
            |volume| {
                let set = ["claim", "nfs", "csi"].map(|field| volume.has(field));
                let set = set.into_iter().collect::<Option<Vec<_>>>()?;
                Some(set.into_iter().filter(|is_set| *is_set).count() == 1)
            },
            "set exactly one of claim, nfs and csi",
            "",
        ),
        rule(
            format!("!({})", taken.join(" || ")),
            |volume| {
                let path = format!("{}/", volume.text_at("mountPath")?);
                Some(!TAKEN.iter().any(|taken| path.starts_with(taken)))
            },
            "is a folder of the pod's own; choose another one, such as /data",
            ".mountPath",
        ),
    ]
}

/// The schema of an attribute that a driver understands.
pub fn attribute() -> Value {
    serde_json::json!({ "type": "string", "maxLength": 1024 })
}

fn has_once(volumes: Subject<'_>, field: &str) -> Option<bool> {
    let values = volumes.list()?.iter().map(|one| one.get(field));
    let values = values.collect::<Option<Vec<_>>>()?;
    let once = |value| values.iter().filter(|other| *other == value).count() == 1;
    Some(values.iter().all(once))
}
