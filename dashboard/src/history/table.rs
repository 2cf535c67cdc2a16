use fleetscore_crds::SensorKey;
use fleetscore_scorer::history::{SensorColumns, SensorRow};
use fleetscore_scorer::ledger::SensorState;

/// The sensors of one run, in the order of its plan: the columns as they were read, and of each sensor what lists are filtered and sorted
/// by. 100,000 of them take some 20 MB, as rows several times that.
pub struct RunTable {
    columns: Vec<SensorColumns>,
    lines: Vec<TableLine>,
}

/// One sensor of a table.
#[derive(Clone, Debug)]
pub struct TableLine {
    group: u32,
    row: u32,
    /// Whether its predictions were not written.
    pub failed: bool,
    /// Readings scored.
    pub rows: u64,
    /// Its share of anomalies; none without readings.
    pub share: Option<f64>,
    /// Its lowest score; none without readings.
    pub lowest: Option<f64>,
    /// Why it failed, and the kinds of its warnings.
    pub reasons: Box<[String]>,
}

impl RunTable {
    /// The table of these columns, all of which are there.
    ///
    /// # Errors
    ///
    /// What is wrong with a row.
    pub fn new(columns: Vec<SensorColumns>) -> Result<Self, String> {
        let mut lines = Vec::with_capacity(columns.iter().map(SensorColumns::len).sum());
        for (group, sensors) in (0_u32..).zip(&columns) {
            for (row, place) in (0..sensors.len()).zip(0_u32..) {
                let sensor = sensors.get(row)?;
                lines.push(TableLine {
                    group,
                    row: place,
                    failed: sensor.state == SensorState::Failed,
                    rows: sensor.rows,
                    share: sensor.share(),
                    lowest: sensor.score.map(|score| score.min),
                    reasons: sensor.reason.into_iter().chain(sensor.warnings).collect(),
                });
            }
        }
        Ok(Self { columns, lines })
    }

    /// The sensors.
    pub fn lines(&self) -> &[TableLine] {
        &self.lines
    }

    /// A sensor's key.
    pub fn key(&self, line: &TableLine) -> SensorKey {
        let sensors = self.columns.get(line.group as usize);
        sensors.map_or_else(SensorKey::default, |sensors| {
            sensors.keys().get(line.row as usize)
        })
    }

    /// All that is known of a sensor.
    pub fn row(&self, line: &TableLine) -> Option<SensorRow> {
        let sensors = self.columns.get(line.group as usize)?;
        sensors.get(line.row as usize).ok()
    }
}
