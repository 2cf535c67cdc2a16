use std::path::PathBuf;

use fleetscore_storage::Environment;
use url::Url;

const AUTHORITY: &str = "https://login.microsoftonline.com";
const METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// Who asks Microsoft Entra ID for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The pod's service account, by its federated token.
    Workload {
        /// Where the token is got.
        endpoint: String,
        client_id: String,
        token_file: PathBuf,
    },
    /// The machine's; the client id where it has several.
    Machine {
        /// The machine's metadata service.
        endpoint: String,
        client_id: Option<String>,
    },
    /// The login of `az`.
    AzureCli,
}

impl Identity {
    /// The pod's; `local` allows the login of `az` in its stead.
    pub(super) fn workload(local: bool, environment: &Environment) -> Result<Self, String> {
        let names = [
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
        ];
        if let [Some(client_id), Some(tenant_id), Some(token_file)] =
            names.map(|name| environment.get(name))
        {
            let authority = environment.get("AZURE_AUTHORITY_HOST").unwrap_or(AUTHORITY);
            check_authority(authority)?;
            return Ok(Self::Workload {
                endpoint: format!(
                    "{}/{tenant_id}/oauth2/v2.0/token",
                    authority.trim_end_matches('/')
                ),
                client_id: client_id.to_owned(),
                token_file: token_file.into(),
            });
        }
        if local && has_azure_cli(environment) {
            return Ok(Self::AzureCli);
        }
        if local {
            return Err(
                "no credentials for the hub: install the Azure CLI and run `az login`, or choose another way to sign in"
                    .to_owned(),
            );
        }
        let missing = names.map(|name| environment.get(name).is_none().then_some(name));
        Err(format!(
            "signing in with the pod's identity finds no {}; give the pod a service account with the annotation \
             azure.workload.identity/client-id and the label azure.workload.identity/use: \"true\"",
            missing.into_iter().flatten().collect::<Vec<_>>().join(", ")
        ))
    }

    /// The machine's.
    pub(super) fn machine(environment: &Environment) -> Self {
        Self::Machine {
            endpoint: METADATA.to_owned(),
            client_id: environment.get("AZURE_CLIENT_ID").map(str::to_owned),
        }
    }

    /// What to do when it gets no token, or the hub refuses its token.
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Workload { client_id, .. } => format!(
                "check the federated credential of the identity {client_id}, and that it may read the hub (Azure Event Hubs Data Receiver)"
            ),
            Self::Machine { .. } => {
                "check that the machine has an identity, and that it may read the hub (Azure Event Hubs Data Receiver)".to_owned()
            }
            Self::AzureCli => {
                "run `az login`, and check that you may read the hub (Azure Event Hubs Data Receiver)".to_owned()
            }
        }
    }
}

/// The pod's token is sent there, so nobody on the way may read it.
fn check_authority(text: &str) -> Result<(), String> {
    let is_private = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            || url.scheme() == "http"
                && match url.host() {
                    Some(url::Host::Domain(name)) => name == "localhost",
                    Some(url::Host::Ipv4(address)) => address.is_loopback(),
                    Some(url::Host::Ipv6(address)) => address.is_loopback(),
                    None => false,
                }
    });
    if is_private {
        return Ok(());
    }
    Err(format!(
        "AZURE_AUTHORITY_HOST {text:?} must begin with https://, such as {AUTHORITY}: the pod's token is sent there"
    ))
}

fn has_azure_cli(environment: &Environment) -> bool {
    let program = if cfg!(windows) { "az.cmd" } else { "az" };
    environment.get("PATH").is_some_and(|path| {
        std::env::split_paths(path).any(|folder| folder.join(program).is_file())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const POD: [(&str, &str); 3] = [
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
    ];

    #[test]
    fn a_pod_signs_in_as_its_service_account() {
        for (host, expected) in [
            (
                None,
                "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
            ),
            (
                Some("https://login.partner.microsoftonline.cn/"),
                "https://login.partner.microsoftonline.cn/tenant/oauth2/v2.0/token",
            ),
            (
                Some("http://127.0.0.1:4000"),
                "http://127.0.0.1:4000/tenant/oauth2/v2.0/token",
            ),
        ] {
            let [id, tenant, file] = POD;
            let host = ("AZURE_AUTHORITY_HOST", host.unwrap_or_default());
            let environment = Environment::from([id, tenant, file, host]);
            let Identity::Workload { endpoint, .. } =
                Identity::workload(false, &environment).unwrap()
            else {
                unreachable!()
            };
            assert_eq!(endpoint, expected);
        }
    }

    #[test]
    fn the_pods_token_goes_to_an_encrypted_address_alone() {
        for host in [
            "http://login.microsoftonline.com",
            "http://10.0.0.1",
            "login",
        ] {
            let [id, tenant, file] = POD;
            let environment = Environment::from([id, tenant, file, ("AZURE_AUTHORITY_HOST", host)]);
            let error = Identity::workload(false, &environment).unwrap_err();
            assert!(error.contains("must begin with https://"), "{error}");
        }
    }

    #[test]
    fn a_laptop_uses_the_clis_login_and_a_pod_never() {
        let folder = tempfile::tempdir().unwrap();
        let program = if cfg!(windows) { "az.cmd" } else { "az" };
        std::fs::write(folder.path().join(program), "").unwrap();
        let environment = Environment::from([("PATH", folder.path().to_str().unwrap())]);
        assert_eq!(
            Identity::workload(true, &environment),
            Ok(Identity::AzureCli)
        );
        let error = Identity::workload(false, &environment).unwrap_err();
        assert!(
            error.contains("AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE"),
            "{error}"
        );
    }
}
