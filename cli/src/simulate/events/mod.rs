//! The readings to score as events: out of order, late, early and twice, as devices send them.

mod args;
mod courier;
mod file;
mod kafka;

pub use args::{EventArgs, Topic};

use indicatif::ProgressBar;

use super::plant::Plant;
use super::sensor::Sensor;
use super::{Error, SimulateArgs};
use courier::Courier;

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    /// When it arrives, milliseconds since 1970.
    arrival: i64,
    /// Tells events apart that arrive at the same time.
    number: u64,
    device: u32,
    /// The event itself: JSON.
    body: String,
}

/// Where events go.
trait Sink {
    /// Takes the next event, which arrives no earlier than the one before.
    fn push(&mut self, event: &Event, partition: i32) -> Result<(), Error>;
    /// Waits until all of them are there.
    fn finish(&mut self) -> Result<(), Error>;
}

/// Makes and delivers the events that are wanted; returns their number.
pub(super) fn deliver(
    plant: &Plant,
    args: &SimulateArgs,
    progress: &ProgressBar,
) -> Result<u64, Error> {
    let events = &args.events;
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    if let Some(path) = &events.events_out {
        sinks.push(Box::new(file::Lines::create(path, args.force)?));
    }
    if let Some(topic) = &events.to_kafka {
        sinks.push(Box::new(kafka::Producer::new(topic, events.partitions)?));
    }
    if sinks.is_empty() {
        return Ok(0);
    }
    let mut count = 0;
    let mut push = |event: &Event| {
        count += 1;
        let partition = (i64::from(event.device) - 1) % i64::from(events.partitions);
        let partition = i32::try_from(partition).unwrap_or_default();
        sinks
            .iter_mut()
            .try_for_each(|sink| sink.push(event, partition))
    };
    let mut sensors: Vec<Sensor> = (0..)
        .zip(plant.places())
        .map(|(index, place)| Sensor::scoring(plant, index, place))
        .collect();
    let mut courier = Courier::new(plant, events);
    for time in plant.scoring.iter() {
        courier.hand_out(time, &mut push)?;
        for (index, sensor) in sensors.iter_mut().enumerate() {
            sensor.step(time);
            courier.send(index, time, sensor);
        }
        progress.inc(sensors.len() as u64);
    }
    courier.hand_out(i64::MAX, &mut push)?;
    sinks.iter_mut().try_for_each(|sink| sink.finish())?;
    Ok(count)
}
