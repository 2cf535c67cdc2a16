use std::fs;
use std::path::Path;

use fleetscore_crds::{ModelFormat, SensorKey};
use fleetscore_scorer::models::{Model, Origin, write_native};
use indicatif::ProgressBar;
use rayon::prelude::*;

use super::data::History;
use super::fit::fit;
use super::job::Job;
use super::{FailedSensor, SensorError, Summary};

/// Fits and writes every sensor's model, as many at a time as there are threads.
pub(super) fn train(
    job: &Job,
    histories: Vec<(SensorKey, History)>,
    progress: &ProgressBar,
) -> Summary {
    let rows = histories.iter().map(|(_, history)| history.rows).sum();
    let results: Vec<(SensorKey, Result<Trained, SensorError>)> = histories
        .into_par_iter()
        .map(|(sensor, history)| {
            let trained = train_one(job, &sensor, history);
            progress.inc(1);
            (sensor, trained)
        })
        .collect();
    let mut summary = Summary {
        rows,
        max_rows: job.max_rows,
        models: job.models_path(),
        ..Summary::default()
    };
    for (sensor, result) in results {
        match result {
            Ok(trained) => {
                summary.trained += 1;
                summary.subsampled += u64::from(trained.subsampled);
                summary.support_vectors += trained.support_vectors;
            }
            Err(error) => summary.failed.push(FailedSensor {
                sensor,
                reason: error.reason().to_owned(),
                message: error.to_string(),
            }),
        }
    }
    summary
}

struct Trained {
    subsampled: bool,
    support_vectors: u64,
}

fn train_one(job: &Job, sensor: &SensorKey, history: History) -> Result<Trained, SensorError> {
    let subsampled = history.rows > job.max_rows as u64;
    let svm = fit(history.sample?, job.columns.features.len(), &job.settings)?;
    let support_vectors = svm.coefficients.len() as u64;
    let origin = Origin {
        producer: Some(concat!("fleetscore ", env!("CARGO_PKG_VERSION")).to_owned()),
        feature_names: Some(job.columns.features.clone()),
        ..Origin::new(ModelFormat::Native)
    };
    let model = Model::of_svm(svm, origin).and_then(|model| write_native(&model));
    let model = model.map_err(|error| SensorError::NotSolved {
        message: error.to_string(),
    })?;
    let path = job.model_path(sensor);
    write(&path, &model).map_err(|error| SensorError::Write {
        path: path.clone(),
        message: error.to_string(),
    })?;
    Ok(Trained {
        subsampled,
        support_vectors,
    })
}

/// Writes beside the file first, so that a scorer never sees half a model.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}
