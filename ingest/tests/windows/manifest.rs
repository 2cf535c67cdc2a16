//! The manifests of streams that differ in how they make windows. Lengths are in seconds.

use fleetscore_crds::ReadingStreamSpec;
use fleetscore_ingest::Rules;
use serde_json::json;

/// What rows depend on.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Size and hop.
    pub window: Option<(i64, i64)>,
    pub segment: i64,
    pub tolerance: i64,
    pub early: i64,
    pub idle: i64,
    pub max_age: i64,
    pub drop_same_time: bool,
    pub max_sensors: u32,
    /// In nanoseconds.
    pub start: i64,
}

pub const FUNCTIONS: [&str; 10] = [
    "Avg", "Count", "Sum", "Min", "Max", "Range", "StdDev", "Var", "First", "Last",
];

impl Shape {
    pub fn spec(&self) -> ReadingStreamSpec {
        let aggregates: Vec<_> = ["a", "b"]
            .iter()
            .flat_map(|of| FUNCTIONS.map(|function| json!({"column": format!("{of}{function}"), "of": of, "function": function})))
            .collect();
        let mut spec = json!({
            "source": {"kafka": {"bootstrapServers": ["b:9092"], "topic": "t"}},
            "event": {
                "fields": {"t": {"type": "Time"}, "k": {}, "a": {"type": "Number"}, "b": {"type": "Number"}},
                "columns": {"time": "t", "keys": {"k": "k"}, "features": ["a", "b"]},
            },
            "lateness": {
                "toleranceSeconds": self.tolerance,
                "earlySeconds": self.early,
                "idleSeconds": self.idle,
                "maxAgeSeconds": self.max_age,
            },
            "duplicates": if self.drop_same_time { "DropSameTime" } else { "Keep" },
            "output": {"location": "memory:///out/", "segmentSeconds": self.segment},
            "limits": {"maxSensors": self.max_sensors},
        });
        if let Some((size, hop)) = self.window {
            spec["window"] = json!({"sizeSeconds": size, "hopSeconds": hop});
            spec["aggregates"] = json!(aggregates);
        }
        serde_json::from_value(spec).unwrap()
    }

    pub fn rules(&self) -> Rules {
        Rules::new(&self.spec(), self.start).unwrap()
    }
}
