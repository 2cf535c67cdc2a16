//! A run's storage, read with the login of the person at the terminal.
//!
//! Whoever wrote the run wrote its account and endpoint, too. So a person's token goes to Azure's own Blob service alone, unless the
//! person names the endpoint; and nothing is read of this machine's files, unless the person says that they are the run's.

use anyhow::anyhow;
use clap::Args;
use fleetscore_cluster::Run;
use fleetscore_crds::{AzureAuth, AzureStorage, RunNames, ScoringRunSpec, StorageSpec, fill};
use fleetscore_scorer::outputs;
use fleetscore_storage::{ObjectUrl, Storage, StorageError, StorageOptions, StoreKind};
use url::Url;

use super::exit;
use crate::commands::{CommandError, Result, usage};

/// Ends of the names of Azure's own Blob services: public, China, US government, and accounts in DNS zones.
const SUFFIXES: [&str; 4] = [
    ".blob.core.windows.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.core.usgovcloudapi.net",
    ".blob.storage.azure.net",
];

/// How a run's storage is read.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// URL of the Blob service, instead of the run's. Your token goes there
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The run's file:// locations are the same files on this machine
    #[arg(long)]
    pub local_files: bool,
}

/// Where a run has written to.
pub struct Place {
    /// Its storage.
    pub storage: Storage,
    /// Its output location.
    pub output: ObjectUrl,
    /// Where its logs are.
    pub logs: ObjectUrl,
    /// The folder of its own files, below the output location.
    folder: String,
}

impl Place {
    /// Opens a run's storage. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Code 5: what cannot be reached from here, or must not be; code 2: a wrong `--endpoint`.
    pub fn of(run: &Run, args: &StorageArgs) -> Result<Self> {
        let spec = run.spec.as_ref().map_err(|error| {
            exit::cannot_tell(format!(
                "the spec of run {} cannot be read: {error}",
                run.name()
            ))
        })?;
        let (output, logs) = locations(run, spec)?;
        let mut allowed = StorageSpec::default();
        for url in [&output, &logs] {
            match url.kind() {
                StoreKind::Azure => allowed.azure = Some(account(&spec.storage, args)?),
                StoreKind::File if args.local_files => {}
                StoreKind::File => {
                    return Err(exit::cannot_tell(format!(
                        "{url} is a volume of the run's pods; where it is mounted at the same path here, add --local-files"
                    )));
                }
                StoreKind::Memory => {
                    return Err(exit::cannot_tell(format!("{url} cannot be read from here")));
                }
            }
        }
        let options = StorageOptions {
            local_credentials: true,
            retry_timeout: std::time::Duration::from_secs(20),
            ..StorageOptions::default()
        };
        let storage = Storage::new(&allowed, options).map_err(error)?;
        Ok(Self {
            storage,
            folder: own_folder(run, spec),
            output,
            logs,
        })
    }

    /// The path below the output location of one of the run's own files.
    pub fn own(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    /// The bytes of the file `name` below the output location; none where there is no such file.
    pub async fn read(&self, name: &str, limit: u64) -> Result<Option<bytes::Bytes>> {
        let url = self.output.join(name).map_err(error)?;
        match self.storage.get(&url, limit).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(found) => Err(error(found)),
        }
    }
}

/// What storage says, as code 5.
pub fn error(error: StorageError) -> CommandError {
    exit::cannot_tell(error)
}

fn locations(run: &Run, spec: &ScoringRunSpec) -> Result<(ObjectUrl, ObjectUrl)> {
    let names = RunNames {
        run: run.name(),
        namespace: Some(run.namespace()),
        schedule: run.schedule(),
        window: spec.window,
    };
    let url = |field: &str, location: &str| {
        let filled = fill(location, names).ok_or_else(|| {
            exit::cannot_tell(format!(
                "{field} {location:?} of run {} cannot be filled",
                run.name()
            ))
        })?;
        ObjectUrl::parse(&filled).map_err(error)
    };
    let output = url("spec.output.location", &spec.output.location)?;
    let logs = url("spec.logs.location", &log_folder(run, spec))?;
    Ok((output, logs))
}

/// The folder of the run's own files, below its output location: a run that scores again in place what failed in another one has them apart.
pub fn own_folder(run: &Run, spec: &ScoringRunSpec) -> String {
    match &spec.sensors.failed_in {
        Some(_) if !spec.output.location.contains("{run}") => outputs::retry_folder(run.name()),
        _ => outputs::RUN_FOLDER.to_owned(),
    }
}

/// The folder of the run's logs, with its placeholders.
pub fn log_folder(run: &Run, spec: &ScoringRunSpec) -> String {
    let own = own_folder(run, spec);
    match &spec.logs {
        None => format!("{}{own}logs/", spec.output.location),
        Some(logs) if own == outputs::RUN_FOLDER => logs.location.clone(),
        Some(logs) => format!(
            "{}/retry/{}/",
            logs.location.trim_end_matches('/'),
            run.name()
        ),
    }
}

/// The account to read from, with the person's login.
pub fn account(spec: &StorageSpec, args: &StorageArgs) -> Result<AzureStorage> {
    let Some(azure) = &spec.azure else {
        return Err(exit::cannot_tell("the run names no storage account"));
    };
    let name = azure.account.as_str();
    let is_name = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !is_name {
        return Err(exit::cannot_tell(format!(
            "{name:?} is not the name of a storage account"
        )));
    }
    let auth = match azure.auth {
        AzureAuth::Emulator => AzureAuth::Emulator,
        AzureAuth::Anonymous => AzureAuth::Anonymous,
        // The person's own login, which is not the run's.
        _ => AzureAuth::WorkloadIdentity,
    };
    let endpoint = match (&args.endpoint, &azure.endpoint) {
        (Some(given), _) => {
            Url::parse(given).map_err(|_| usage(anyhow!("--endpoint {given:?}: is not a URL")))?;
            Some(given.clone())
        }
        (None, None) => None,
        (None, Some(theirs)) if is_azures(theirs, name) => Some(theirs.clone()),
        (None, Some(theirs)) => {
            return Err(exit::cannot_tell(format!(
                "the run's endpoint {theirs:?} is not Azure's own, so your login is not sent there; if you trust it, add \
                 --endpoint {theirs}"
            )));
        }
    };
    Ok(AzureStorage {
        account: name.to_owned(),
        endpoint,
        auth,
        secret_ref: None,
    })
}

/// Whether the URL is the Blob service of this account at Azure, and nothing more.
pub fn is_azures(endpoint: &str, account: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let own = SUFFIXES.into_iter().any(|suffix| {
        host.strip_suffix(suffix).is_some_and(|before| {
            let mut labels = before.split('.');
            let first = labels.next().unwrap_or_default();
            // What may follow is a private link's name, or a DNS zone's number.
            let rest = labels.all(|label| label == "privatelink" || is_zone(label));
            (first == account || first.strip_suffix("-secondary") == Some(account)) && rest
        })
    });
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && own
}

fn is_zone(label: &str) -> bool {
    let digits = label.strip_prefix('z').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_goes_to_azures_own_service_alone() {
        for endpoint in [
            "https://plantstore.blob.core.windows.net",
            "https://plantstore.blob.core.windows.net/",
            "https://plantstore-secondary.blob.core.windows.net",
            "https://plantstore.privatelink.blob.core.windows.net",
            "https://plantstore.z12.blob.storage.azure.net",
            "https://plantstore.blob.core.chinacloudapi.cn",
            "https://plantstore.blob.core.usgovcloudapi.net",
        ] {
            assert!(is_azures(endpoint, "plantstore"), "{endpoint}");
        }
        for endpoint in [
            "http://plantstore.blob.core.windows.net",
            "https://plantstore.blob.core.windows.net:8443",
            "https://plantstore.blob.core.windows.net@evil.example",
            "https://user@plantstore.blob.core.windows.net",
            "https://plantstore.blob.core.windows.net.evil.example",
            "https://evil.example/plantstore.blob.core.windows.net",
            "https://evil.example?.blob.core.windows.net",
            "https://evil.example#.blob.core.windows.net",
            "https://other.blob.core.windows.net",
            "https://plantstore.evil.blob.core.windows.net",
            "https://blob.core.windows.net",
            "https://127.0.0.1:10000/plantstore",
            "https://plantstore.blob.core.windows.net/path",
            "plantstore.blob.core.windows.net",
            "",
        ] {
            assert!(!is_azures(endpoint, "plantstore"), "{endpoint}");
        }
    }

    fn asked(
        account_name: &str,
        endpoint: Option<&str>,
        given: Option<&str>,
    ) -> Result<AzureStorage> {
        let spec = StorageSpec {
            azure: Some(AzureStorage {
                account: account_name.to_owned(),
                endpoint: endpoint.map(str::to_owned),
                auth: AzureAuth::Secret,
                secret_ref: None,
            }),
            ..StorageSpec::default()
        };
        let args = StorageArgs {
            endpoint: given.map(str::to_owned),
            local_files: false,
        };
        account(&spec, &args)
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn another_endpoint_has_to_be_named_by_the_person() {
        let refused = asked("plantstore", Some("https://evil.example"), None).unwrap_err();
        assert_eq!(refused.code, 5);
        assert!(
            refused
                .error
                .to_string()
                .contains("--endpoint https://evil.example")
        );
        let given = asked(
            "plantstore",
            Some("https://evil.example"),
            Some("https://good.example"),
        );
        assert_eq!(
            given.unwrap().endpoint.as_deref(),
            Some("https://good.example")
        );
        // A name that would make another host of the service's address.
        for name in ["evil.example/", "a@b", "x#", "", "a"] {
            assert_eq!(asked(name, None, None).unwrap_err().code, 5, "{name}");
        }
    }
}
