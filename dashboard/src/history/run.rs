use std::cmp::Reverse;

use fleetscore_scorer::history::RunRecord;
use fleetscore_scorer::outputs;
use fleetscore_storage::{ObjectUrl, Storage};
use jiff::Timestamp;

/// One run that has ended, as its record tells it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where its record is.
    pub url: ObjectUrl,
    /// The folder that history is read from: nothing outside of it is.
    pub root: ObjectUrl,
    /// The storage account; empty for local folders.
    pub account: String,
    /// What the record was read with.
    pub storage: Storage,
    /// What the record says.
    pub record: RunRecord,
}

/// Runs that are alike, so that their sensors can be followed from one to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// Their namespace; empty outside a cluster.
    pub namespace: String,
    /// Their schedule, or `run:` and the name of a run that has none: on a laptop the same run scores window after window.
    pub name: String,
}

/// Before the name of a run without a schedule. No schedule's name holds a colon.
const OWN: &str = "run:";

impl Series {
    /// What people call it.
    pub fn label(&self) -> &str {
        self.name.strip_prefix(OWN).unwrap_or(&self.name)
    }

    /// Whether a schedule makes its runs.
    pub fn is_schedule(&self) -> bool {
        !self.name.starts_with(OWN)
    }
}

impl Run {
    /// The namespace; empty outside a cluster.
    pub fn namespace(&self) -> &str {
        self.record.run.namespace.as_deref().unwrap_or_default()
    }

    /// What no other run has: the account and the URL of its record.
    pub fn identity(&self) -> String {
        format!("{} {}", self.account, self.url)
    }

    /// The runs that it belongs to.
    pub fn series(&self) -> Series {
        let run = &self.record.run;
        Series {
            namespace: self.namespace().to_owned(),
            name: (run.schedule.clone()).unwrap_or_else(|| format!("{OWN}{}", run.name)),
        }
    }

    /// The time that its readings end, without a window that of its start: the order of a series.
    pub fn at(&self) -> Timestamp {
        let window = self.record.run.window;
        window.map_or(self.record.timing.start_time, |window| window.end)
    }

    /// Newest first by [`Run::at`].
    pub fn order(&self) -> impl Ord + use<> {
        Reverse((self.at(), self.record.timing.start_time, self.identity()))
    }

    /// Share of anomalies among the readings; none without readings.
    pub fn share(&self) -> Option<f64> {
        let (anomalies, rows) = (self.record.anomalies, self.record.rows);
        (rows > 0).then(|| anomalies as f64 / rows as f64)
    }

    /// Its output location, where that is below the folder that history is read from. A record is written by whoever may write there, and
    /// must not make this program read, or sign in, elsewhere.
    pub fn output(&self) -> Option<ObjectUrl> {
        let output = ObjectUrl::parse(&self.record.run.output).ok()?.as_prefix();
        let is_below = output.relative_to(&self.root).is_some();
        is_below.then_some(output)
    }

    /// The table of its sensors, where [`Run::output`] is known.
    pub fn sensors(&self) -> Option<ObjectUrl> {
        self.own(outputs::SENSORS)
    }

    /// Its report, where [`Run::output`] is known.
    pub fn report(&self) -> Option<ObjectUrl> {
        self.own(outputs::REPORT_JSON)
    }

    /// A file of its own: a retry in place keeps them beside those of the run that it retries.
    pub(super) fn own(&self, file: &str) -> Option<ObjectUrl> {
        let run = &self.record.run;
        let name = file
            .strip_prefix(outputs::RUN_FOLDER)
            .filter(|_| run.retries.is_some());
        let path = name.map(|name| format!("{}retry/{}/{name}", outputs::RUN_FOLDER, run.name));
        let output = self.output()?;
        let url = output.join(path.as_deref().unwrap_or(file)).ok()?;
        url.relative_to(&output).is_some().then_some(url)
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use fleetscore_crds::StorageSpec;
    use fleetscore_storage::StorageOptions;
    use serde_json::json;

    use super::*;

    /// A run of the folder `/data/` that wrote to `output`.
    pub fn run(name: &str, output: &str, retries: Option<&str>) -> Run {
        let record = json!({
            "version": 1, "software": "0.1.0", "phase": "Succeeded",
            "run": { "name": name, "namespace": "plant-a", "schedule": "pumps", "output": output, "retries": retries },
            "sensors": { "total": 2, "succeeded": 2, "failed": 0, "limit": 0 },
            "rows": 200, "skipped": 0, "anomalies": 10, "bytesRead": 1, "failures": [], "warnings": [],
            "shards": { "total": 1, "interrupted": 0, "missing": 0 },
            "timing": { "startTime": "2026-11-28T16:00:00Z", "completionTime": "2026-11-28T16:01:00Z", "seconds": 60.0, "shardSeconds": 9.0 },
        });
        Run {
            url: ObjectUrl::parse("file:///data/_runs/2026/11/28/plant-a.a.json").unwrap(),
            root: ObjectUrl::parse("file:///data/").unwrap(),
            account: String::new(),
            storage: Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap(),
            record: serde_json::from_value(record).unwrap(),
        }
    }

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let known = |output| run("a", output, None).output().map(|url| url.to_string());
        assert_eq!(
            known("file:///data/16/").as_deref(),
            Some("file:///data/16/")
        );
        for output in [
            "file:///etc/",
            "file:///database/16/",
            "file:///data/../etc/",
            "az://data/16/",
            "https://evil.example/data/",
            "",
        ] {
            assert_eq!(known(output), None, "{output}");
        }
    }

    #[test]
    fn a_retry_in_place_has_files_of_its_own() {
        let text = |run: &Run| run.report().map(|url| url.to_string());
        let first = run("a", "file:///data/16/", None);
        assert_eq!(text(&first).unwrap(), "file:///data/16/_run/report.json");
        let retry = run("b", "file:///data/16/", Some("a"));
        assert_eq!(
            text(&retry).unwrap(),
            "file:///data/16/_run/retry/b/report.json"
        );
        let outside = run("../../../..", "file:///data/16/", Some("a"));
        assert_eq!(text(&outside), None);
    }
}
