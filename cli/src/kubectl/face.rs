//! One program, two faces: `fleetscore` with all commands, and kubectl's plugin with those that ask a cluster.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Parser, Subcommand};

use super::dashboard::DashboardArgs;
use super::report::RunReportArgs;
use super::{ClusterCommand, exit};
use crate::commands::Result;

/// The file name with which kubectl finds its plugin.
const PLUGIN: &str = "kubectl-fleetscore";

/// How the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// As itself.
    Fleetscore,
    /// As kubectl's plugin.
    Kubectl,
}

impl Face {
    /// The face that `args` ask for, and the arguments without what asks for it: the program is called `kubectl-fleetscore`, or its
    /// first word is `kubectl`.
    pub fn of(args: impl IntoIterator<Item = OsString>) -> (Self, Vec<OsString>) {
        let mut args: Vec<_> = args.into_iter().collect();
        let program = args.first().map(Path::new).and_then(Path::file_stem);
        if program == Some(OsStr::new(PLUGIN)) {
            return (Self::Kubectl, args);
        }
        if args.get(1).is_some_and(|word| word == "kubectl") {
            args.remove(1);
            return (Self::Kubectl, args);
        }
        (Self::Fleetscore, args)
    }
}

/// See what runs, schedules and streams do on a cluster
///
/// Everything is read with your own login, as kubectl does it; no command here changes
/// anything unless its help says so. RUN may also be a schedule, meaning its newest run;
/// where both have the same name, write run/NAME or schedule/NAME.
///
/// Options come after the command: kubectl takes none before a plugin's name.
#[derive(Parser)]
#[command(
    name = "kubectl fleetscore",
    bin_name = "kubectl fleetscore",
    version,
    max_term_width = 100,
    after_help = exit::CODES
)]
pub struct Kubectl {
    /// What to do.
    #[command(subcommand)]
    pub command: KubectlCommand,
}

/// The commands of kubectl's plugin.
#[derive(Subcommand)]
pub enum KubectlCommand {
    /// What asks a cluster under either face.
    #[command(flatten)]
    Cluster(ClusterCommand),
    // As itself, the program takes folders and URLs here.
    Dashboard(DashboardArgs),
    // As itself, the program also takes a folder or URL here.
    Report(RunReportArgs),
}

/// Runs a command of kubectl's plugin.
pub fn run(command: &KubectlCommand) -> Result {
    match command {
        KubectlCommand::Cluster(command) => super::run(command),
        KubectlCommand::Dashboard(args) => super::dashboard::run(args),
        KubectlCommand::Report(args) => super::report::run(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_has_examples_its_exit_codes_and_a_word_about_each_option() {
        let face = Kubectl::command();
        for command in face.get_subcommands() {
            let name = command.get_name();
            let after = command.get_after_help().map(ToString::to_string);
            let after = after.unwrap_or_default();
            assert!(after.contains("Examples:\n  kubectl fleetscore "), "{name}");
            assert_eq!(after.matches("Exit codes: ").count(), 1, "{name}");
            for line in after.lines() {
                assert!(line.len() <= 100, "{name}: {line}");
            }
            for argument in command.get_arguments() {
                let told = argument.get_help().map(ToString::to_string);
                assert!(told.is_some_and(|told| told.len() > 5), "{name} {argument}");
            }
        }
    }

    #[test]
    fn the_name_or_the_first_word_chooses_the_face() {
        let of = |args: &[&str]| {
            let (face, args) = Face::of(args.iter().map(OsString::from));
            let args: Vec<_> = args.iter().map(|arg| arg.display().to_string()).collect();
            (face, args.join(" "))
        };
        for (args, face, left) in [
            (
                &["fleetscore", "status"][..],
                Face::Fleetscore,
                "fleetscore status",
            ),
            (
                &["/usr/bin/kubectl-fleetscore", "status"],
                Face::Kubectl,
                "/usr/bin/kubectl-fleetscore status",
            ),
            (
                &["kubectl-fleetscore.exe"],
                Face::Kubectl,
                "kubectl-fleetscore.exe",
            ),
            (
                &["fleetscore", "kubectl", "tree", "x"],
                Face::Kubectl,
                "fleetscore tree x",
            ),
            (
                &["fleetscore", "tree", "kubectl"],
                Face::Fleetscore,
                "fleetscore tree kubectl",
            ),
        ] {
            assert_eq!(of(args), (face, left.to_owned()));
        }
        assert_eq!(Face::of([]), (Face::Fleetscore, Vec::new()));
    }
}
