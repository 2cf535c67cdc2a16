//! `bundle`.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use fleetscore_cluster::act::{redact, redact_object};
use fleetscore_cluster::{Cluster, ClusterError, Pod, Raw, Run, Scope, Seen, Selector, Target};
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use fleetscore_crds::{ScoringRun, ScoringSchedule};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod as CorePod};
use serde_json::{Value, json};

use super::exit;
use super::login::LoginArgs;
use super::storage::{Place, StorageArgs};
use crate::commands::{Result, block_on, failure, output};

/// The labels of the operator's pods.
const OPERATOR: &str = "app.kubernetes.io/name=fleetscore,app.kubernetes.io/component=operator";

/// The run's own files that are packed.
const STORED: [&str; 3] = ["plan.jsonl", "report.json", "failed.jsonl"];
/// Largest of them, in bytes.
const STORED_BYTES: u64 = 32 << 20;

/// Pack what tells about a run into a file, to be sent to somebody who helps
///
/// The run, its schedule, Jobs, pods and events, the operator's log, and from storage, with
/// your own login, its plan, report and list of failed sensors. No Secret is
/// read; values of environment variables and what looks like a key, a token or a signature
/// is taken out. What cannot be read is named and left out. Look into the file before you
/// send it: names and locations are in it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore bundle pumps-1764324000 -n plant-a -o pumps.tar.gz
  tar -xzOf pumps.tar.gz pumps-1764324000/run.json

Exit codes: 0 written, also where something is missing in it; 1 the file cannot be written; 4 no
such run; 5 cannot tell.")]
pub struct BundleArgs {
    /// The run, or a schedule for its newest one
    #[arg(value_name = "RUN")]
    target: Target,
    /// The file to write; one that is there is replaced
    #[arg(short, long, value_name = "FILE.tar.gz")]
    output: PathBuf,
    /// The operator's namespace, for its log; default: looked for in all
    #[arg(long, value_name = "NAME")]
    operator_namespace: Option<String>,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// Files, and what is missing among them.
#[derive(Default)]
struct Bundle {
    files: Vec<(String, Vec<u8>)>,
    missing: Vec<String>,
}

/// Runs the command.
pub fn run(args: &BundleArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let run = cluster
            .run(&scope, &args.target)
            .await
            .map_err(exit::cluster)?;
        let bundle = collected(args, &cluster, &run).await;
        bundle
            .write(&args.output, run.name())
            .with_context(|| args.output.display().to_string())
            .map_err(failure)?;
        let lines = bundle
            .files
            .iter()
            .map(|(name, bytes)| format!("{:>10}  {}/{name}\n", bytes.len(), run.name()));
        let head = format!("{:>10}  FILE\n", "BYTES");
        output::print(head + &lines.collect::<String>())?;
        for missing in &bundle.missing {
            output::note(&format!("left out: {missing}"));
        }
        output::note(&format!(
            "written: {}; look into it before you send it, names and locations are in it",
            args.output.display()
        ));
        Ok(0)
    })?
}

async fn collected(args: &BundleArgs, cluster: &Cluster, run: &Run) -> Bundle {
    let mut bundle = Bundle::default();
    let namespace = run.namespace();
    let place = Scope::Namespace(namespace.to_owned());
    bundle.object(
        "run.json",
        cluster.raw::<ScoringRun>(namespace, run.name()).await,
    );
    if let Some(schedule) = run.schedule() {
        bundle.object(
            "schedule.json",
            cluster.raw::<ScoringSchedule>(namespace, schedule).await,
        );
    }
    let own = Selector::label(RUN_LABEL, run.name());
    bundle
        .list::<Job>("jobs.json", cluster, &place, &own, |_| true)
        .await;
    bundle
        .list::<CorePod>("pods.json", cluster, &place, &own, |_| true)
        .await;
    let all = Selector::default();
    let about = |event: &Value| {
        let name = event["involvedObject"]["name"].as_str().unwrap_or_default();
        let child = name
            .strip_prefix(run.name())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        child || Some(name) == run.schedule()
    };
    bundle
        .list::<Event>("events.json", cluster, &place, &all, about)
        .await;
    bundle.operator(args, cluster).await;
    bundle.stored(args, run).await;
    bundle
}

impl Bundle {
    fn object(&mut self, name: &str, object: std::result::Result<Value, ClusterError>) {
        match object {
            Ok(object) => self.json(name, object),
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    fn json(&mut self, name: &str, mut value: Value) {
        redact_object(&mut value);
        match serde_json::to_vec_pretty(&value) {
            Ok(bytes) => self.files.push((name.to_owned(), bytes)),
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    async fn list<K>(
        &mut self,
        name: &str,
        cluster: &Cluster,
        scope: &Scope,
        selector: &Selector,
        keep: impl Fn(&Value) -> bool,
    ) where
        Raw<K>: Seen,
    {
        match cluster.first::<K>(scope, selector).await {
            Ok((mut items, more)) => {
                items.retain(keep);
                self.json(name, json!({"items": items}));
                if more {
                    self.missing
                        .push(format!("{name}: only the first 500 are looked at"));
                }
            }
            Err(error) => self.missing.push(format!("{name}: {error}")),
        }
    }

    /// The run's own files in storage.
    async fn stored(&mut self, args: &BundleArgs, run: &Run) {
        let place = match Place::of(run, &args.storage) {
            Ok(place) => place,
            Err(failure) => {
                self.missing.push(format!("_run/: {:#}", failure.error));
                return;
            }
        };
        for name in STORED {
            match place.read(&place.own(name), STORED_BYTES).await {
                Ok(Some(bytes)) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let clean = redact(&text).into_owned();
                    self.files
                        .push((format!("_run/{name}"), clean.into_bytes()));
                }
                Ok(None) => self.missing.push(format!("_run/{name}: there is none")),
                Err(failure) => self
                    .missing
                    .push(format!("_run/{name}: {:#}", failure.error)),
            }
        }
    }

    async fn operator(&mut self, args: &BundleArgs, cluster: &Cluster) {
        let scope = args
            .operator_namespace
            .clone()
            .map_or(Scope::All, Scope::Namespace);
        let selector = Selector {
            labels: OPERATOR.to_owned(),
            ..Selector::default()
        };
        let pods = match cluster.list::<Pod>(&scope, &selector).await {
            Ok(pods) if pods.items.is_empty() => {
                self.missing
                    .push("the operator's log: no pod of it is found".to_owned());
                return;
            }
            Ok(pods) => pods.items,
            Err(error) => {
                self.missing.push(format!(
                    "the operator's log: {error}; --operator-namespace may help"
                ));
                return;
            }
        };
        for pod in pods.iter().take(4) {
            match cluster.log_end(pod.namespace(), pod.name()).await {
                Ok(log) => {
                    let name = format!("operator/{}.log", pod.name());
                    self.files
                        .push((name, redact(&log).into_owned().into_bytes()));
                }
                Err(error) => self
                    .missing
                    .push(format!("the log of {}: {error}", pod.name())),
            }
        }
    }

    fn write(&self, file: &std::path::Path, folder: &str) -> std::io::Result<()> {
        let packed = GzEncoder::new(File::create(file)?, Compression::default());
        let mut archive = tar::Builder::new(packed);
        let missing = self.missing.join("\n") + "\n";
        let note =
            (!self.missing.is_empty()).then(|| ("missing.txt".to_owned(), missing.into_bytes()));
        for (name, bytes) in self.files.iter().chain(&note) {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            archive.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())?;
        }
        archive.into_inner()?.finish()?;
        Ok(())
    }
}
