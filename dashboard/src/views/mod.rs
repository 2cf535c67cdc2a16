//! What pages show, as values: pure functions of what is known. Their JSON is the page's `.json`.

mod grid;
mod health;
mod live;
mod overview;
mod pager;
mod query;
mod run;
mod runs;
mod schedule;
mod sensor;
mod shared;

pub use grid::{Cell, Grid, GridRow};
pub use health::{Finding, Health, HealthRun};
pub use live::{
    LiveLine, LiveRun, LiveSchedule, Nodes, Now, PodsLine, Scaling, ScheduleRow, StepRow, Text,
    Told, scaling,
};
pub use overview::{LastRun, Look, Overview, OverviewRow, SeriesLine};
pub use pager::Pager;
pub use query::Query;
pub use run::{
    Group, Ledger, LogName, LogText, RunView, SensorLine, Sensors, ShardLine, Shards, Shown,
    Tab as RunTab, Tie, Ties, ending,
};
pub use runs::Runs;
pub use schedule::Schedule;
pub use sensor::{SensorRun, SensorView};
pub use shared::{Mood, RunLine, SeriesName, Tile, share};

use shared::{ago, minute};

/// Version of the JSON of all pages.
pub const VERSION: u32 = 1;
