use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// What a simulation wrote.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Where it is.
    pub folder: PathBuf,
    /// Number of sensors.
    pub sensors: u32,
    /// Rows of the history to train on.
    pub train_rows: u64,
    /// Readings to score.
    pub rows: u64,
    /// Readings within an anomaly, labelled 1.
    pub anomalous_rows: u64,
    /// Anomalies.
    pub anomalies: u64,
    /// Events that were written or sent.
    pub events: u64,
    /// How long it took.
    pub seconds: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        let events = match self.events {
            0 => String::new(),
            events => format!(", {events} events"),
        };
        writeln!(
            out,
            "{folder}: {} sensors, {} rows to train on, {} readings to score ({} of them in {} anomalies){events}, {:.1} s",
            self.sensors,
            self.train_rows,
            self.rows,
            self.anomalous_rows,
            self.anomalies,
            self.seconds
        )?;
        writeln!(out, "next:")?;
        writeln!(
            out,
            "  fleetscore train -f {}",
            self.folder.join("train.yaml").display()
        )?;
        write!(
            out,
            "  fleetscore run -f {}",
            self.folder.join("run.yaml").display()
        )
    }
}
