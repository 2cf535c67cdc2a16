use jiff::Timestamp;

use super::plant::Plant;
use super::{Error, Partition, SimulateArgs};

/// Writes `train.yaml` and `run.yaml`; their locations are relative to their folder.
pub(super) fn write(plant: &Plant, args: &SimulateArgs) -> Result<(), Error> {
    for (name, text) in [
        ("train.yaml", training(plant, args)),
        ("run.yaml", run(plant, args)),
    ] {
        let path = args.out.join(name);
        std::fs::write(&path, text).map_err(Error::io(&path))?;
    }
    Ok(())
}

fn training(plant: &Plant, args: &SimulateArgs) -> String {
    let extension = args.format.extension();
    let features = plant.feature_names().join(", ");
    format!(
        "# Trains one model a sensor: fleetscore train -f train.yaml
apiVersion: scoring.fleetscore.io/v1alpha1
kind: Training
metadata: {{name: simulated}}
spec:
  data:
    location: train.{extension}
    columns:
      time: TS
      keys: {{device: Device, tag: Tag}}
      features: [{features}]
  model:
    location: models/model_{{device}}_{{tag}}.fsm
    scaler: Standard
    nu: 0.01          # about this share of the history is outside of the model's boundary
    gamma: scale
"
    )
}

fn run(plant: &Plant, args: &SimulateArgs) -> String {
    let extension = args.format.extension();
    let features = plant.feature_names().join(", ");
    let (input, keys) = match args.partition {
        Partition::None => (
            format!("readings.{extension}"),
            "{device: Device, tag: Tag}",
        ),
        Partition::Hour => ("readings/".to_owned(), "{device: Device, tag: Tag}"),
        // The location names the sensor, so no column has to.
        Partition::Sensor => (
            format!("readings/device={{device}}/tag={{tag}}/readings.{extension}"),
            "{}",
        ),
    };
    let start = instant(plant.scoring.start);
    let end = instant(plant.scoring.start + i64::from(plant.scoring.count) * plant.scoring.step);
    format!(
        "# Scores every sensor's readings with its own model: fleetscore run -f run.yaml
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {{name: simulated}}
spec:
  window: {{start: {start}, end: {end}}}
  sensors:
    manifest: sensors.csv
  model:
    location: models/model_{{device}}_{{tag}}.fsm
    format: Auto
  input:
    location: \"{input}\"
    columns:
      time: TS
      keys: {keys}
      features: [{features}]
      label: Label      # the truth: the report gives precision and recall
  output:
    location: predictions/
    file: preds_{{device}}_{{tag}}.csv
"
    )
}

/// RFC 3339; the plant's times were checked, so the fallback is never seen.
fn instant(time: i64) -> Timestamp {
    Timestamp::from_millisecond(time).unwrap_or_default()
}
