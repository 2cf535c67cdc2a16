//! The commands that ask a cluster: `kubectl fleetscore ...`, or `fleetscore ...`.

mod act;
mod bundle;
mod complete;
mod cost;
pub mod dashboard;
mod doctor;
pub mod exit;
mod face;
mod failed;
mod format;
#[cfg(test)]
mod golden;
mod login;
mod logs;
mod pod;
pub mod report;
mod screen;
mod sensor;
mod sensors;
mod status;
mod storage;
mod table;
mod top;
mod tree;
mod version;
pub mod words;

use clap::Subcommand;

pub use complete::{COMPLETER, asked, run as complete};
pub use face::{Face, Kubectl, run as run_as_plugin};
pub use login::{LoginArgs, duration};
pub use storage::StorageArgs;

use crate::commands::Result;

/// The commands that ask a cluster.
#[derive(Subcommand)]
pub enum ClusterCommand {
    Status(status::StatusArgs),
    Tree(tree::TreeArgs),
    Failed(failed::FailedArgs),
    Sensors(sensors::SensorsArgs),
    Logs(logs::LogsArgs),
    Top(top::TopArgs),
    Doctor(doctor::DoctorArgs),
    Wait(act::wait::WaitArgs),
    Retry(act::retry::RetryArgs),
    Trigger(act::trigger::TriggerArgs),
    Backfill(act::backfill::BackfillArgs),
    /// Stop a run, a schedule or a stream until it is resumed
    ///
    /// Sets spec.suspend. The pods of a run or a stream are ended; what they have done is kept. A
    /// schedule creates no run, but for one that is triggered. Where git keeps the object, a
    /// warning has the line to commit.
    Suspend(act::suspend::SuspendArgs),
    /// Let a suspended run, schedule or stream go on
    Resume(act::suspend::SuspendArgs),
    Cost(cost::CostArgs),
    Bundle(bundle::BundleArgs),
    Version(version::VersionArgs),
}

/// Runs a command.
pub fn run(command: &ClusterCommand) -> Result {
    match command {
        ClusterCommand::Status(args) => status::run(args),
        ClusterCommand::Cost(args) => cost::run(args),
        ClusterCommand::Retry(args) => act::retry::run(args),
        ClusterCommand::Trigger(args) => act::trigger::run(args),
        ClusterCommand::Backfill(args) => act::backfill::run(args),
        ClusterCommand::Suspend(args) => act::suspend::run(args, true),
        ClusterCommand::Resume(args) => act::suspend::run(args, false),
        ClusterCommand::Wait(args) => act::wait::run(args),
        ClusterCommand::Bundle(args) => bundle::run(args),
        ClusterCommand::Tree(args) => tree::run(args),
        ClusterCommand::Failed(args) => failed::run(args),
        ClusterCommand::Sensors(args) => sensors::run(args),
        ClusterCommand::Logs(args) => logs::run(args),
        ClusterCommand::Doctor(args) => doctor::run(args),
        ClusterCommand::Top(args) => top::run(args),
        ClusterCommand::Version(args) => version::run(args),
    }
}
