//! `doctor`.

mod checks;
mod facts;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::format::FormatArgs;
use super::login::{LoginArgs, duration};
use super::screen::{Cell, Page, Tone};
use super::storage::StorageArgs;
use crate::commands::{FAILED, Result, block_on};

use facts::Facts;

/// How often is looked again with `--wait`.
const AGAIN: Duration = Duration::from_secs(5);

/// Check that runs can work: cluster, operator, rights, identity, nodes, storage, schedules
///
/// Each check that fails or cannot be made comes with what to do. Nothing is changed; storage
/// is asked with your own login.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore doctor -n plant-a
  kubectl fleetscore doctor -n plant-a --wait 2m         after an installation
  kubectl fleetscore doctor -o json | jq '.checks[] | select(.state == \"Fail\")'

Exit codes: 0 no check failed, 1 one did, 5 the cluster cannot be asked.")]
pub struct DoctorArgs {
    /// Look again until no check fails, so long at most
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// The operator's namespace
    #[arg(long, value_name = "NAME", default_value = "fleetscore-system")]
    operator_namespace: String,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum State {
    /// Good.
    Ok,
    /// It could not be made, or somebody should look at it.
    Warn,
    /// Runs will not work, or something is broken.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What it is about: `cluster`, `definitions`, `operator`, `rights`, `identity`, `nodes`, `images`, `quota`, `storage`, `schedules`.
    pub category: String,
    /// How it came out.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    fn ok(category: &str, message: impl Into<String>) -> Self {
        Self {
            category: category.to_owned(),
            state: State::Ok,
            message: message.into(),
            hint: None,
        }
    }

    fn warn(category: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            hint: Some(hint.into()),
            ..Self::ok(category, message)
        }
    }

    fn fail(category: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(category, message, hint)
        }
    }
}

/// All checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// Version of this form: 1.
    pub version: u32,
    /// The namespace that was checked; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The checks.
    pub checks: Vec<Check>,
}

impl DoctorView {
    fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| check.state == State::Fail)
    }
}

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let begun = tokio::time::Instant::now();
        let view = loop {
            let facts =
                Facts::gather(&cluster, &scope, &args.operator_namespace, &args.storage).await?;
            let view = DoctorView {
                version: fleetscore_cluster::view::VERSION,
                namespace: scope.namespace().map(str::to_owned),
                checks: checks::all(&facts, Timestamp::now()),
            };
            let patience = args.wait.unwrap_or_default();
            if !view.has_failed() || begun.elapsed() >= patience {
                break view;
            }
            tokio::time::sleep(AGAIN).await;
        };
        args.format.print(&view, |_| Vec::new(), draw)?;
        Ok(if view.has_failed() { FAILED } else { 0 })
    })?
}

fn draw(view: &DoctorView, page: &mut Page) {
    let mut before = "";
    for check in &view.checks {
        let category = if before == check.category {
            ""
        } else {
            &check.category
        };
        before = &check.category;
        let (word, tone) = match check.state {
            State::Ok => ("ok", Tone::Good),
            State::Warn => ("warn", Tone::Warn),
            State::Fail => ("FAIL", Tone::Bad),
        };
        page.paragraph(
            &Cell::new(format!("{category:<12}{word:<6}"), tone),
            &check.message.as_str().into(),
        );
        if let Some(hint) = &check.hint {
            page.paragraph(
                &Cell::from(format!("{:18}-> ", "")),
                &Cell::new(hint, Tone::Dim),
            );
        }
    }
}
