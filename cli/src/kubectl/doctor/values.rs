//! What the chart's values say of what pods will need.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::template::Template;
use crate::commands::{Result, usage};

/// Largest file of values, in bytes.
const BYTES: u64 = 1 << 20;

/// The values that matter before an installation. The chart's schema checks the others.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Values {
    /// Namespaces to serve; none: all.
    pub watch_namespaces: Vec<String>,
    /// The definitions.
    pub crds: Crds,
    /// The operator's roles.
    pub rbac: Rbac,
    /// The runs' pods.
    pub scorer: Scorer,
}

/// The definitions.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Crds {
    /// Whether the chart installs them.
    pub install: bool,
}

/// Roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rbac {
    /// Whether the chart creates the operator's.
    pub create: bool,
    /// Whether the chart creates people's.
    pub user_roles: bool,
}

/// The runs' pods.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scorer {
    /// What every score pod has.
    pub pod_template: Template,
    /// The service account.
    pub service_account: Account,
    /// The Azure identity.
    pub workload_identity: Identity,
}

/// The service account of the runs' pods.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Whether the chart creates it.
    pub create: bool,
}

/// The Azure identity of the runs' pods.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Its client ID.
    pub client_id: String,
    /// Client IDs by namespace.
    pub client_ids: BTreeMap<String, String>,
}

impl Default for Crds {
    fn default() -> Self {
        Self { install: true }
    }
}

impl Default for Rbac {
    fn default() -> Self {
        Self {
            create: true,
            user_roles: true,
        }
    }
}

/// Reads a file of values.
///
/// # Errors
///
/// A file that cannot be read, is too large, or is no YAML of values.
pub fn read(file: &Path) -> Result<Values> {
    let read = || {
        let size = std::fs::metadata(file)?.len();
        anyhow::ensure!(size <= BYTES, "is larger than {BYTES} bytes");
        let text = std::fs::read_to_string(file)?;
        Ok(serde_saphyr::from_str(&text)?)
    };
    read()
        .with_context(|| format!("--values {}", file.display()))
        .map_err(usage)
}
