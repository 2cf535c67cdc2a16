//! What pages show, as values: pure functions of what is known. Their JSON is the page's `.json`.

mod grid;
mod health;
mod live;
mod overview;
mod query;
mod run;
mod runs;
mod schedule;
mod sensor;
mod shared;

pub use grid::{Cell, Grid, GridRow};
pub use health::{Finding, Health, HealthRun};
pub use live::{
    LiveLine, LiveRun, LiveSchedule, Nodes, Now, PodsLine, ScheduleRow, StepRow, Text, Told,
};
pub use overview::{Look, Overview, SeriesLine};
pub use query::Query;
pub use run::{Group, Pager, RunView, SensorLine, Sensors};
pub use runs::Runs;
pub use schedule::Schedule;
pub use sensor::{SensorRun, SensorView};
pub use shared::{Mood, RunLine, SeriesName, Tile, share};

use shared::{ago, minute};

/// Version of the JSON of all pages.
pub const VERSION: u32 = 1;
