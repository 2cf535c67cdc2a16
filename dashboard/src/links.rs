//! Addresses of pages.

use fleetscore_crds::SensorKey;

use crate::history::{Run, Series};
use crate::slug;

/// The namespace of what is in none. It is no name of a namespace.
pub const NO_NAMESPACE: &str = "-";

fn namespace(namespace: &str) -> String {
    if namespace.is_empty() {
        NO_NAMESPACE.into()
    } else {
        slug::encode(namespace)
    }
}

fn name(name: &str) -> String {
    // A record may hold anything, also no name.
    if name.is_empty() {
        "~".into()
    } else {
        slug::encode(name)
    }
}

/// The page of a run; where several have its name, of the newest.
pub fn run_of(namespace: &str, name: &str) -> String {
    format!("/runs/{}/{}", self::namespace(namespace), self::name(name))
}

/// The page of a run, also where others have its name: outside a cluster one manifest is run again and again.
pub fn run(run: &Run) -> String {
    let path = run_of(run.namespace(), &run.record.run.name);
    format!("{path}/{}", run.record.timing.start_time)
}

/// The page of a series.
pub fn schedule(series: &Series) -> String {
    of(series, "schedules")
}

/// The page of the health of a series' models.
pub fn health(series: &Series) -> String {
    of(series, "health")
}

/// The page of a sensor.
pub fn sensor(series: &Series, key: &SensorKey) -> String {
    sensor_of(series, &slug::encode_key(key))
}

/// The page of the sensor with this segment.
pub fn sensor_of(series: &Series, key: &str) -> String {
    format!("{}/{key}", of(series, "sensors"))
}

fn of(series: &Series, page: &str) -> String {
    format!(
        "/{page}/{}/{}",
        namespace(&series.namespace),
        name(&series.name)
    )
}
