//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Runs `ScoringRun`s: each becomes Jobs that plan, score and collect, and their outcome becomes its status. Creates those of
/// `ScoringSchedule`s, and gives `ReadingStream`s the pods that read them.
///
/// Exit codes: 0 stopped by a signal; 1 cannot start, or lost the lease; 2 usage.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Args {
    /// The configuration file (YAML): image and pod templates.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_CONFIG",
        default_value = "/etc/fleetscore/operator.yaml",
        value_name = "FILE"
    )]
    pub config: PathBuf,
    /// Namespaces to look after, separated by commas. Default: all.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_NAMESPACES",
        value_delimiter = ',',
        value_name = "NAMES"
    )]
    pub namespaces: Vec<String>,
    /// Where /livez, /readyz and /metrics are served.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_LISTEN",
        default_value = "0.0.0.0:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Name of the Lease that makes one of several replicas the leader.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_LEASE_NAME",
        default_value = "fleetscore-operator",
        value_name = "NAME"
    )]
    pub lease_name: String,
    /// Namespace of the Lease. Default: the operator's own.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_LEASE_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    pub lease_namespace: Option<String>,
    /// Work without a Lease. With one replica only.
    #[arg(long, env = "FLEETSCORE_OPERATOR_NO_LEADER_ELECTION")]
    pub no_leader_election: bool,
    /// Trace the operator's own passes, too, where a collector is named. Runs are traced without it.
    #[arg(long, env = "FLEETSCORE_OPERATOR_TRACE_PASSES")]
    pub trace_passes: bool,
    /// How log lines look.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_LOG_FORMAT",
        value_enum,
        default_value = "json"
    )]
    pub log_format: LogFormat,
    /// Which log lines are written, such as `info,kube=debug`.
    #[arg(
        long,
        env = "FLEETSCORE_OPERATOR_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Args {
    /// The namespaces to look after; `None` is all of them.
    pub fn scopes(&self) -> Vec<Option<String>> {
        let mut names: Vec<_> = self
            .namespaces
            .iter()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return vec![None];
        }
        names.into_iter().map(Some).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_a_list_or_all() {
        let scopes = |args: &[&str]| {
            Args::try_parse_from([&["operator"], args].concat())
                .unwrap()
                .scopes()
        };
        assert_eq!(scopes(&[]), [None]);
        assert_eq!(scopes(&["--namespaces", ""]), [None]);
        assert_eq!(
            scopes(&["--namespaces", "b, a,b"]),
            [Some("a".to_owned()), Some("b".to_owned())]
        );
    }
}
