//! `fleetscore model inspect` and `convert`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use fleetscore_crds::{ModelFormat, visible};
use fleetscore_scorer::models::network::Layer;
use fleetscore_scorer::models::trees::XgBoost;
use fleetscore_scorer::models::{
    self, Allowance, Boosted, Estimator, Forest, IsolationForest, Kernel, Labels, Linear, Meaning,
    MlflowFolder, Model, Network, OneClassSvm, Scaler, Transform,
};
use serde_json::{Value, json};

use super::{Result, failure, output, usage};

/// Labels that are shown.
const LABELS: usize = 32;

/// Look into model files, or convert them
#[derive(Subcommand)]
pub enum ModelCommand {
    Inspect(InspectArgs),
    Convert(ConvertArgs),
}

/// Show what a model file holds
///
/// The format is told from the bytes, not from the file's name. Nothing in the file is
/// executed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore model inspect models/model_1_2.pkl
  fleetscore model inspect models/model_1_2.pkl --json | jq .gamma

Exit codes:
  0  the model can score
  1  the file cannot be read, or holds no model that can score
  2  the command line is wrong")]
pub struct InspectArgs {
    /// The model: scikit-learn pickle or joblib, skops, ONNX, libsvm or native, or a folder of MLflow
    file: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Convert a model into another format
///
/// Native keeps everything. libsvm keeps everything but a scaler, so a model with one
/// is refused. ONNX holds single precision: readings close to the boundary may get
/// another label, and the command says so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore model convert model_1_2.pkl model_1_2.fsm
  fleetscore model convert model_1_2.pkl model_1_2 --to onnx

Exit codes:
  0  OUT was written
  1  the model cannot be read, or not be written in this format
  2  the command line is wrong, or OUT exists")]
pub struct ConvertArgs {
    /// The model to read
    file: PathBuf,
    /// The file to write
    out: PathBuf,
    /// The format to write [default: by the extension of OUT: .fsm, .libsvm or .onnx]
    #[arg(long, value_enum)]
    to: Option<Target>,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
}

/// A format that can be written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// Fleetscore's own packed format (.fsm)
    Native,
    /// libsvm's text format (.libsvm)
    Libsvm,
    /// ONNX-ML, single precision (.onnx)
    Onnx,
}

/// Runs the command.
pub fn run(command: &ModelCommand) -> Result {
    match command {
        ModelCommand::Inspect(args) => inspect(args),
        ModelCommand::Convert(args) => convert(args),
    }
}

/// Reads a model's file, or MLflow's folder by its description.
fn read(file: &Path) -> Result<Model> {
    let of = |file: &Path| file.display().to_string();
    let bytes = |file: &Path| fs::read(file).with_context(|| of(file)).map_err(failure);
    let description = if file.is_dir() {
        Some(file.join(MlflowFolder::DESCRIPTION))
    } else if file.ends_with(MlflowFolder::DESCRIPTION) {
        Some(file.to_owned())
    } else {
        None
    };
    let Some(description) = description else {
        let read = models::read(&bytes(file)?, ModelFormat::Auto);
        return read.with_context(|| of(file)).map_err(failure);
    };
    let folder = MlflowFolder::parse(&bytes(&description)?);
    let folder = folder.with_context(|| of(&description)).map_err(failure)?;
    let file = description.with_file_name(folder.file());
    let read = folder.read(&bytes(&file)?, None, Allowance::default());
    read.with_context(|| of(&file)).map_err(failure)
}

fn inspect(args: &InspectArgs) -> Result {
    let facts = facts(&read(&args.file)?);
    if args.json {
        output::print_json(&facts)?;
        return Ok(0);
    }
    let line = |(name, value): (&String, &Value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), |text| visible(text).into_owned());
        format!("{name:<18} {text}\n")
    };
    let lines: String = facts.as_object().into_iter().flatten().map(line).collect();
    output::print(lines)?;
    Ok(0)
}

/// What a model holds, by the names that scikit-learn uses.
fn facts(model: &Model) -> Value {
    let transforms: Vec<String> = model.transforms.iter().map(Transform::described).collect();
    let transforms = Some(transforms).filter(|transforms| !transforms.is_empty());
    let mut facts = json!({
        "format": model.origin.format,
        "producer": model.origin.producer,
        "features": model.features,
        "featureNames": model.origin.feature_names,
        "taken": model.origin.parts.as_ref().map(|parts| &parts.taken),
        "leftOut": model.origin.parts.as_ref().map(|parts| &parts.left),
        "transforms": transforms,
    });
    let of_estimator = match &model.estimator {
        Estimator::OneClassSvm(svm) => of_svm(svm),
        Estimator::XgBoost(boosted) => of_xgboost(boosted),
        Estimator::LightGbm(boosted) => json!({
            "estimator": boosted.name(),
            "trees": boosted.count(),
            "nodes": boosted.nodes(),
            "classes": boosted.labels.as_ref().map(|labels| labels.len()),
        }),
        Estimator::IsolationForest(forest) => of_isolation_forest(forest),
        Estimator::Forest(forest) => of_forest(forest),
        Estimator::Boosted(boosted) => of_boosted(boosted),
        Estimator::Linear(linear) => of_linear(linear),
        Estimator::Network(network) => of_network(network),
        Estimator::Elliptic(elliptic) => json!({
            "estimator": "EllipticEnvelope",
            "location": elliptic.centre,
            "offset": elliptic.offset,
        }),
        other => json!({ "estimator": other.name(), "size": other.size() }),
    };
    let precision = if model.origin.single_precision {
        "single"
    } else {
        "double"
    };
    if let (Some(facts), Value::Object(others)) = (facts.as_object_mut(), of_estimator) {
        facts.extend(others);
        if let Value::Object(output) = output(model) {
            facts.extend(output);
        }
        facts.insert("precision".to_owned(), precision.into());
        facts.retain(|_, value| !value.is_null());
    }
    facts
}

fn of_forest(forest: &Forest) -> Value {
    json!({
        "estimator": forest.name(),
        "trees": forest.trees.count(),
        "nodes": forest.trees.nodes(),
        "deepest": forest.trees.depth(),
    })
}

fn of_boosted(boosted: &Boosted) -> Value {
    json!({
        "estimator": boosted.name(),
        "trees": boosted.trees.count(),
        "nodes": boosted.trees.nodes(),
        "deepest": boosted.trees.depth(),
        "start": boosted.start,
    })
}

fn of_linear(linear: &Linear) -> Value {
    json!({
        "estimator": linear.kind.name(),
        "weights": linear.weights,
        "intercepts": linear.intercepts,
    })
}

fn of_network(network: &Network) -> Value {
    let layers = network.layers().iter().map(Layer::described);
    let layers: Vec<String> = layers.collect();
    json!({
        "estimator": network.name(),
        "layers": layers,
        "weights": network.weights(),
    })
}

/// What the numbers mean: of a detector without a border what it measures; of a classifier its labels, and those that are anomalies where nobody says which.
fn output(model: &Model) -> Value {
    if let Meaning::Measured { measure, .. } = model.meaning {
        return json!({ "output": model.meaning.kind(), "measures": measure.name(), "score": measure.rule() });
    }
    let Meaning::Class { labels, anomalies } = &model.meaning else {
        return json!({ "output": model.meaning.kind() });
    };
    let listed = |labels: &Labels, wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
        let classes = (0..labels.len()).filter(|class| wanted(*class));
        let texts = classes.map(|class| labels.text(class).into_owned());
        texts.take(LABELS).collect()
    };
    json!({
        "output": model.meaning.kind(),
        "classes": labels.len(),
        "labels": listed(labels, &|_| true),
        "anomalyClasses": listed(labels, &|class| anomalies.get(class) == Some(&true)),
    })
}

fn of_isolation_forest(forest: &IsolationForest) -> Value {
    json!({
        "estimator": "IsolationForest",
        "trees": forest.trees.count(),
        "nodes": forest.trees.nodes(),
        "deepest": forest.trees.depth(),
        "offset": forest.border.offset,
        "threshold": forest.border.threshold,
        "zeroIsAnomaly": forest.border.zero_is_anomaly,
    })
}

fn of_xgboost(boosted: &XgBoost) -> Value {
    let labels = boosted.labels.as_ref();
    json!({
        "estimator": boosted.name(),
        "trees": boosted.count(),
        "nodes": boosted.nodes(),
        "deepest": boosted.depth(),
        "classes": labels.map(|labels| labels.len()),
    })
}

fn of_svm(svm: &OneClassSvm) -> Value {
    let (kernel, gamma, coef0, degree) = match svm.kernel {
        Kernel::Rbf { gamma } => ("rbf", Some(gamma), None, None),
        Kernel::Linear => ("linear", None, None, None),
        Kernel::Polynomial {
            gamma,
            coef0,
            degree,
        } => ("poly", Some(gamma), Some(coef0), Some(degree)),
        Kernel::Sigmoid { gamma, coef0 } => ("sigmoid", Some(gamma), Some(coef0), None),
    };
    let scaler = match &svm.scaler {
        Scaler::None => json!("none"),
        Scaler::Standard { center, scale } => {
            json!({ "kind": "standard", "center": center, "scale": scale })
        }
        Scaler::MinMax { scale, min, clip } => {
            json!({ "kind": "minmax", "scale": scale, "min": min, "clip": clip })
        }
    };
    json!({
        "scaler": scaler,
        "kernel": kernel,
        "gamma": gamma,
        "coef0": coef0,
        "degree": degree,
        "supportVectors": svm.coefficients.len(),
        "sumOfCoefficients": svm.coefficients.iter().sum::<f64>(),
        "rho": svm.rho,
        "threshold": svm.threshold,
    })
}

fn convert(args: &ConvertArgs) -> Result {
    let target = args.to.map_or_else(|| target_of(&args.out), Ok)?;
    if args.out.exists() && !args.force {
        return Err(usage(anyhow!(
            "{} exists; use --force to replace it",
            args.out.display()
        )));
    }
    let model = read(&args.file)?;
    let place = || args.file.display().to_string();
    let bytes = match target {
        Target::Native => models::write_native(&model)
            .with_context(place)
            .map_err(failure)?,
        Target::Libsvm => models::write_libsvm(&model)
            .with_context(place)
            .map_err(failure)?
            .into(),
        Target::Onnx => models::write_onnx(&model)
            .with_context(place)
            .map_err(failure)?,
    };
    fs::write(&args.out, bytes)
        .with_context(|| args.out.display().to_string())
        .map_err(failure)?;
    if matches!(target, Target::Onnx) {
        output::note(
            "note: ONNX holds single precision; readings close to the boundary may get another label",
        );
    }
    Ok(0)
}

fn target_of(out: &Path) -> Result<Target> {
    match out.extension().and_then(|extension| extension.to_str()) {
        Some("fsm") => Ok(Target::Native),
        Some("libsvm") => Ok(Target::Libsvm),
        Some("onnx") => Ok(Target::Onnx),
        _ => Err(usage(anyhow!(
            "{}: no known extension (.fsm, .libsvm, .onnx); say --to native, libsvm or onnx",
            out.display()
        ))),
    }
}
