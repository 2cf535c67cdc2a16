//! The API server: its version and its clock.

use jiff::{SignedDuration, Timestamp};

use super::Ask;
use super::check::{Check, Findings};
use crate::commands::Result;
use crate::kubectl::exit;
use crate::kubectl::words::duration;

/// Clocks that are further apart than this make tokens invalid.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The oldest minor version of Kubernetes 1 that is supported.
const MINOR: u32 = 31;

/// Checks it. Returns what time it is there.
pub async fn check(ask: &Ask<'_>, findings: &mut Findings) -> Result<Timestamp> {
    let server = ask.cluster.version().await.map_err(exit::cluster)?;
    findings.add(version(&server));
    let clock = ask.cluster.clock().await.ok().flatten();
    if let Some((theirs, ours)) = clock {
        findings.add(skew(theirs, ours));
    }
    Ok(clock.map_or_else(Timestamp::now, |(theirs, _)| theirs))
}

fn version(server: &str) -> Check {
    let minor = server.trim_start_matches('v').split('.').nth(1);
    let minor = minor.and_then(|minor| minor.parse::<u32>().ok());
    let told = format!("Kubernetes {server}");
    match minor {
        Some(minor) if minor < MINOR => Check::fail(
            "cluster",
            told,
            format!("upgrade the cluster to 1.{MINOR} or later"),
        ),
        Some(_) => Check::ok("cluster", told),
        None => Check::warn(
            "cluster",
            format!("the API server's version {server:?} is none of Kubernetes'"),
            format!("see that it is 1.{MINOR} or later: kubectl version"),
        ),
    }
}

fn skew(theirs: Timestamp, ours: Timestamp) -> Check {
    let apart = theirs.duration_since(ours).abs();
    if apart <= SKEW {
        return Check::ok("cluster", "this machine's clock agrees");
    }
    let apart = duration(apart.as_secs().unsigned_abs());
    Check::warn(
        "cluster",
        format!("this machine's clock and the cluster's are {apart} apart"),
        "set this machine's clock: logins depend on it, and ages here are wrong by so much",
    )
}
