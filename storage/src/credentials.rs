use std::fmt;

use fleetscore_crds::AzureAuth;

use super::secret::Secret;
use super::transport::is_private;
use super::{Environment, StorageError};

/// Where account keys and SAS tokens are looked for, in this order; the first two are what a pod gets from the keys of its
/// secret, which it takes in with the prefix [`AZURE_SECRET`](fleetscore_crds::contract::run_pod::AZURE_SECRET).
const SECRETS: [(&str, bool); 6] = [
    ("FLEETSCORE_AZURE_accountKey", true),
    ("FLEETSCORE_AZURE_sasToken", false),
    ("FLEETSCORE_AZURE_ACCOUNT_KEY", true),
    ("FLEETSCORE_AZURE_SAS_TOKEN", false),
    ("AZURE_STORAGE_ACCOUNT_KEY", true),
    ("AZURE_STORAGE_SAS_TOKEN", false),
];

/// The variables that the documents name for a key and a token on a laptop.
pub(super) const LAPTOP_SECRETS: [&str; 2] =
    ["FLEETSCORE_AZURE_ACCOUNT_KEY", "FLEETSCORE_AZURE_SAS_TOKEN"];

const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// How to sign in to Azure Blob Storage, with all that it takes.
#[derive(Clone)]
pub(super) enum Credentials {
    /// A federated token of the pod's service account.
    WorkloadIdentity {
        client_id: String,
        tenant_id: String,
        token_file: String,
        authority: Option<String>,
    },
    /// The machine's identity; the client id where it has several.
    ManagedIdentity { client_id: Option<String> },
    /// An account key, and the variable that it comes from.
    AccountKey { key: Secret, source: &'static str },
    /// A SAS token, and the variable that it comes from.
    SasToken { token: Secret, source: &'static str },
    /// The login of `az`.
    AzureCli,
    /// None.
    Anonymous,
}

impl Credentials {
    /// What `auth` and the environment give; `local` allows the fall-backs of a laptop.
    pub(super) fn resolve(
        auth: AzureAuth,
        local: bool,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        match auth {
            AzureAuth::WorkloadIdentity => workload_identity(local, environment),
            AzureAuth::ManagedIdentity => Ok(Self::ManagedIdentity {
                client_id: environment.get("AZURE_CLIENT_ID").map(str::to_owned),
            }),
            AzureAuth::Secret => secret(environment).ok_or_else(|| {
                let names = SECRETS.map(|(name, _)| name).join(", ");
                StorageError::Config {
                    reason: format!(
                        "auth: Secret finds no key accountKey or sasToken in the secret of spec.storage.azure.secretRef; \
                         outside a pod, none of the variables {names}"
                    ),
                }
            }),
            AzureAuth::Emulator => Ok(Self::AccountKey {
                key: Secret::new(EMULATOR_KEY),
                source: "auth: Emulator",
            }),
            AzureAuth::Anonymous => Ok(Self::Anonymous),
        }
    }

    /// Whether what is sent with them is a secret: the emulator's key is known to everybody.
    pub(super) fn are_secret(&self) -> bool {
        match self {
            Self::AccountKey { key, .. } => key.expose() != EMULATOR_KEY,
            Self::Anonymous => false,
            _ => true,
        }
    }

    /// The secret in it, if any.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::AccountKey { key, .. } => Some(key),
            Self::SasToken { token, .. } => Some(token),
            _ => None,
        }
    }

    /// What to do when they are refused.
    pub(super) fn remedy(&self) -> String {
        const ROLE: &str = "the role Storage Blob Data Contributor on the account or container";
        match self {
            Self::WorkloadIdentity { client_id, .. } => {
                format!(
                    "check the federated credential of the identity {client_id}, and that it has {ROLE}"
                )
            }
            Self::ManagedIdentity { .. } => {
                format!("check that the machine has an identity, and that it has {ROLE}")
            }
            Self::AccountKey { source, .. } => {
                format!("check that {source} is a key of this account, and the account's firewall")
            }
            Self::SasToken { source, .. } => {
                format!(
                    "check that the SAS token in {source} has not expired and permits it (read, write, delete, list)"
                )
            }
            Self::AzureCli => format!("run `az login`, and check that you have {ROLE}"),
            Self::Anonymous => {
                "auth: Anonymous reads public containers only; choose another storage.azure.auth"
                    .to_owned()
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::WorkloadIdentity { .. } => "WorkloadIdentity",
            Self::ManagedIdentity { .. } => "ManagedIdentity",
            Self::AccountKey { .. } => "AccountKey",
            Self::SasToken { .. } => "SasToken",
            Self::AzureCli => "AzureCli",
            Self::Anonymous => "Anonymous",
        })
    }
}

fn workload_identity(local: bool, environment: &Environment) -> Result<Credentials, StorageError> {
    let names = [
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
    ];
    if let [Some(client_id), Some(tenant_id), Some(token_file)] =
        names.map(|name| environment.get(name).map(str::to_owned))
    {
        let authority = environment.get("AZURE_AUTHORITY_HOST").map(str::to_owned);
        if let Some(authority) = &authority {
            check_authority(authority)?;
        }
        return Ok(Credentials::WorkloadIdentity {
            client_id,
            tenant_id,
            token_file,
            authority,
        });
    }
    if !local {
        let missing: Vec<_> = names
            .into_iter()
            .filter(|name| environment.get(name).is_none())
            .collect();
        return Err(StorageError::Config {
            reason: format!(
                "auth: WorkloadIdentity finds no {}; give the pod a service account with the annotation \
                 azure.workload.identity/client-id and the label azure.workload.identity/use: \"true\"",
                missing.join(", ")
            ),
        });
    }
    if let Some(found) = secret(environment) {
        return Ok(found);
    }
    if has_azure_cli(environment) {
        return Ok(Credentials::AzureCli);
    }
    Err(StorageError::Config {
        reason: format!(
            "no credentials for Azure: set one of {}, or install the Azure CLI and run `az login`",
            SECRETS.map(|(name, _)| name).join(", ")
        ),
    })
}

/// The pod's token is sent there.
fn check_authority(text: &str) -> Result<(), StorageError> {
    if url::Url::parse(text).is_ok_and(|url| is_private(&url)) {
        return Ok(());
    }
    Err(StorageError::Config {
        reason: format!(
            "AZURE_AUTHORITY_HOST {text:?} must begin with https://, such as https://login.microsoftonline.com: the pod's token is sent there"
        ),
    })
}

fn secret(environment: &Environment) -> Option<Credentials> {
    SECRETS.into_iter().find_map(|(source, is_key)| {
        let secret = Secret::new(environment.get(source)?);
        Some(if is_key {
            Credentials::AccountKey {
                key: secret,
                source,
            }
        } else {
            Credentials::SasToken {
                token: secret,
                source,
            }
        })
    })
}

fn has_azure_cli(environment: &Environment) -> bool {
    let program = if cfg!(windows) { "az.cmd" } else { "az" };
    environment.get("PATH").is_some_and(|path| {
        std::env::split_paths(path).any(|folder| folder.join(program).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: [(&str, &str); 3] = [
        ("AZURE_CLIENT_ID", "id"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
    ];

    fn resolve<const N: usize>(
        auth: AzureAuth,
        local: bool,
        variables: [(&str, &str); N],
    ) -> Result<String, String> {
        Credentials::resolve(auth, local, &Environment::from(variables))
            .map(|credentials| match credentials {
                Credentials::AccountKey { source, .. } | Credentials::SasToken { source, .. } => {
                    source.to_owned()
                }
                other => format!("{other:?}"),
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_pods_secret_is_found_under_the_prefix_that_it_is_taken_in_with() {
        let prefix = fleetscore_crds::contract::run_pod::AZURE_SECRET;
        let names = SECRETS.map(|(name, _)| name.strip_prefix(prefix).unwrap_or_default());
        assert_eq!(names[..2], ["accountKey", "sasToken"]);
    }

    #[test]
    fn takes_what_auth_names() {
        let key = ("FLEETSCORE_AZURE_ACCOUNT_KEY", "a2V5");
        assert_eq!(
            resolve(AzureAuth::WorkloadIdentity, false, IDENTITY).unwrap(),
            "WorkloadIdentity"
        );
        assert_eq!(
            resolve(AzureAuth::ManagedIdentity, false, [key]).unwrap(),
            "ManagedIdentity"
        );
        assert_eq!(resolve(AzureAuth::Secret, false, [key]).unwrap(), key.0);
        for key in [
            ("FLEETSCORE_AZURE_accountKey", "a2V5\n"),
            ("FLEETSCORE_AZURE_sasToken", "sv=1&sig=x"),
        ] {
            assert_eq!(resolve(AzureAuth::Secret, false, [key]).unwrap(), key.0);
        }
        assert_eq!(
            resolve(AzureAuth::Emulator, false, [key]).unwrap(),
            "auth: Emulator"
        );
        assert_eq!(
            resolve(AzureAuth::Anonymous, false, [key]).unwrap(),
            "Anonymous"
        );
    }

    #[test]
    fn names_the_variables_that_are_absent() {
        let error = resolve(
            AzureAuth::WorkloadIdentity,
            false,
            [("AZURE_CLIENT_ID", "id"), ("AZURE_TENANT_ID", " ")],
        )
        .unwrap_err();
        assert!(
            error.contains("finds no AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE;"),
            "{error}"
        );
        let error = resolve(AzureAuth::Secret, true, []).unwrap_err();
        assert!(
            error.contains("accountKey or sasToken in the secret")
                && error.contains("FLEETSCORE_AZURE_ACCOUNT_KEY")
                && error.contains("AZURE_STORAGE_SAS_TOKEN"),
            "{error}"
        );
    }

    #[test]
    fn the_pods_token_goes_to_an_encrypted_address_alone() {
        let resolve = |authority| {
            let [id, tenant, file] = IDENTITY;
            let host = ("AZURE_AUTHORITY_HOST", authority);
            resolve(AzureAuth::WorkloadIdentity, false, [id, tenant, file, host])
        };
        for authority in [
            "https://login.partner.microsoftonline.cn/",
            "http://127.0.0.1:4000",
        ] {
            assert_eq!(resolve(authority).unwrap(), "WorkloadIdentity");
        }
        for authority in [
            "http://login.microsoftonline.com/",
            "login.microsoftonline.com",
        ] {
            let error = resolve(authority).unwrap_err();
            assert!(
                error.contains(authority) && error.contains("must begin with https://"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_laptop_falls_back_on_keys_tokens_and_the_cli() {
        let auth = AzureAuth::WorkloadIdentity;
        let token = ("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=x");
        let key = ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5");
        let own = ("FLEETSCORE_AZURE_SAS_TOKEN", "sv=1&sig=y\n");
        let [id, tenant, file] = IDENTITY;
        assert_eq!(
            resolve(auth, true, [id, tenant, file, key]).unwrap(),
            "WorkloadIdentity"
        );
        assert_eq!(resolve(auth, true, [token, key, own]).unwrap(), own.0);
        assert_eq!(resolve(auth, true, [token, key]).unwrap(), key.0);
        assert_eq!(resolve(auth, true, [token]).unwrap(), token.0);
        assert!(resolve(auth, false, [token, key, own]).is_err());

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder
                .path()
                .join(if cfg!(windows) { "az.cmd" } else { "az" }),
            "",
        )
        .unwrap();
        let path = ("PATH", folder.path().to_str().unwrap());
        assert_eq!(resolve(auth, true, [path]).unwrap(), "AzureCli");
        let error = resolve(auth, true, [("PATH", "/nowhere")]).unwrap_err();
        assert!(error.contains("az login"), "{error}");
    }
}
