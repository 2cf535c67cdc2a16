//! `fleetscore simulate`: a made-up plant, for learning, demonstrations and measurements.
//!
//! A plant is devices with tags; each (device, tag) pair is a sensor with its own level, unit, daily rhythm, noise and slow
//! drift. The simulation writes a clean history to train on, the readings to score with the truth beside them, and manifests
//! that work as they are. Every sensor draws from its own random streams, so the same seed gives the same bytes on any
//! machine, in any partitioning, with any number of sensors around it.

mod anomaly;
mod args;
mod error;
mod events;
mod folder;
mod generate;
mod manifests;
mod plant;
mod random;
mod sensor;
mod summary;
mod table;

pub use anomaly::Kind;
pub use args::{Format, Partition, SimulateArgs, TimeFormat};
pub use error::Error;
pub use events::{EventArgs, Topic};
pub use summary::Summary;

use std::time::Instant;

use indicatif::ProgressBar;

use plant::Plant;

/// Writes the plant that `args` describe. `progress` counts rows; hand in a hidden bar for none.
pub fn run(args: &SimulateArgs, progress: &ProgressBar) -> Result<Summary, Error> {
    let started = Instant::now();
    let plant = Plant::new(args)?;
    folder::prepare(&args.out, args.force)?;
    progress.set_length(plant.total_rows(args.events.are_wanted()));
    folder::write_sensors(&plant, &args.out)?;
    let train_rows = generate::training(&plant, args, progress)?;
    let scored = generate::readings(&plant, args, progress)?;
    manifests::write(&plant, args)?;
    let events = events::deliver(&plant, args, progress)?;
    Ok(Summary {
        folder: args.out.clone(),
        sensors: plant.sensors(),
        train_rows,
        rows: scored.rows,
        anomalous_rows: scored.anomalous_rows,
        anomalies: scored.anomalies,
        events,
        seconds: started.elapsed().as_secs_f64(),
    })
}
