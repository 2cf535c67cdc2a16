//! Which cluster is asked, by whom, and about which namespace.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fleetscore_cluster::{Cluster, Login, Scope};

use super::exit;
use crate::commands::Result;

/// Options of every command that asks a cluster. They mean what they mean to kubectl.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cluster")]
pub struct LoginArgs {
    /// The namespace; default: the context's
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The context in the kubeconfig; default: its current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The kubeconfig; default: $KUBECONFIG, else ~/.kube/config
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    pub act_as: Option<String>,
    /// Act as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "act_as")]
    pub act_as_groups: Vec<String>,
    /// How long one request may take, such as 30s or 2m; default: 60s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub request_timeout: Option<Duration>,
}

/// A time such as `90`, `30s`, `5m`, `24h` or `7d`; a number alone is seconds.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30s, 5m, 24h or 7d");
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = text.strip_suffix(unit).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    // Some hundred years: what is added to a time of today is still a time.
    let seconds = number.checked_mul(seconds).filter(|found| *found > 0);
    let seconds = seconds.filter(|found| *found <= 3_000_000_000);
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

impl LoginArgs {
    /// The cluster, and the namespace that is meant.
    pub async fn connect(&self) -> Result<(Cluster, Scope)> {
        fleetscore_storage::install_crypto();
        let login = Login {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            act_as: self.act_as.clone(),
            act_as_groups: self.act_as_groups.clone(),
            request_timeout: self.request_timeout,
        };
        let cluster = Cluster::connect(&login).await.map_err(exit::cluster)?;
        let scope = match (&self.namespace, self.all_namespaces) {
            (_, true) => Scope::All,
            (Some(name), _) => Scope::Namespace(name.clone()),
            (None, _) => Scope::Namespace(cluster.namespace().to_owned()),
        };
        Ok((cluster, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("30s", 30),
            ("5m", 300),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "0",
            "5 m",
            "-5s",
            "1.5h",
            "5y",
            "m",
            "99999999999999999999s",
            "99999999999d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
