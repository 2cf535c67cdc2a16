use super::column::push;
use super::pane::Pane;
use super::{Partials, Rules};

/// Rows of one segment that are in no part yet.
pub(super) struct Waiting {
    /// Their times.
    pub times: Vec<i64>,
    /// Their sensors.
    pub sensors: Vec<u32>,
    /// What they hold.
    pub partials: Partials,
    /// So many of the first ones have been taken. They are dropped together, so that taking some does not move all the others.
    taken: usize,
}

impl Waiting {
    /// None yet.
    pub fn new(rules: &Rules) -> Self {
        Self::restore(Vec::new(), Vec::new(), rules.partials())
    }

    /// These rows.
    pub fn restore(times: Vec<i64>, sensors: Vec<u32>, partials: Partials) -> Self {
        Self {
            times,
            sensors,
            partials,
            taken: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.times.len() - self.taken
    }

    /// The first one that has not been taken.
    pub fn first(&self) -> usize {
        self.taken
    }

    /// Adds a row of one reading.
    pub fn push(&mut self, time: i64, sensor: u32, values: &[f64]) {
        push(&mut self.times, time);
        push(&mut self.sensors, sensor);
        self.partials.push(time, values);
    }

    /// Adds the rows of the window that starts at `time`.
    pub fn append(&mut self, time: i64, window: &Pane) {
        let rows = self.times.len() + window.sensors.len();
        self.times.resize(rows, time);
        self.sensors.extend_from_slice(&window.sensors);
        let end = window.partials.len();
        self.partials.append(&window.partials, 0, end);
    }

    /// Takes the first ones, at most `limit`: their times, sensors and what they hold.
    pub fn take(&mut self, limit: usize, rules: &Rules) -> (Vec<i64>, Vec<u32>, Partials) {
        let start = self.taken;
        let end = start + limit.min(self.len());
        let mut partials = rules.partials();
        partials.append(&self.partials, start, end);
        let taken = (
            self.times[start..end].to_vec(),
            self.sensors[start..end].to_vec(),
            partials,
        );
        self.taken = end;
        if self.taken >= self.len() {
            self.times.drain(..end);
            self.sensors.drain(..end);
            self.partials.drop_first(end);
            self.taken = 0;
        }
        taken
    }
}
