use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use super::Error;
use super::plant::Plant;

/// Everything that a simulation may write, whatever its options.
const OUTPUTS: [&str; 9] = [
    "train.csv",
    "train.parquet",
    "readings.csv",
    "readings.parquet",
    "readings",
    "anomalies.csv",
    "sensors.csv",
    "train.yaml",
    "run.yaml",
];

/// Makes sure that `folder` is there and empty. With `force`, removes an earlier simulation's files from it and nothing else.
pub(super) fn prepare(folder: &Path, force: bool) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    if !force {
        let empty = fs::read_dir(folder)
            .map_err(Error::io(folder))?
            .next()
            .is_none();
        return if empty {
            Ok(())
        } else {
            Err(Error::NotEmpty {
                folder: folder.to_owned(),
            })
        };
    }
    for name in OUTPUTS {
        let path = folder.join(name);
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes `sensors.csv`: every sensor, its keys as columns, as `spec.sensors.manifest` takes it.
pub(super) fn write_sensors(plant: &Plant, folder: &Path) -> Result<(), Error> {
    let path = folder.join("sensors.csv");
    let mut out = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
    writeln!(out, "device,tag").map_err(Error::io(&path))?;
    for place in plant.places() {
        writeln!(out, "{},{}", place.device, place.tag).map_err(Error::io(&path))?;
    }
    out.flush().map_err(Error::io(&path))
}
