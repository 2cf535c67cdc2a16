use std::sync::Arc;

use fleetscore_crds::{AzureAuth, AzureStorage};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ClientOptions, HeaderValue, ObjectStore, RetryConfig};
use url::Url;

use super::clock::Clock;
use super::credentials::Credentials;
use super::http::Connector;
use super::transport::is_private;
use super::{Environment, StorageError, StorageOptions};

const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// A storage account and how to sign in to it: what opens containers.
#[derive(Debug)]
pub(super) struct Account {
    name: String,
    endpoint: Option<String>,
    credentials: Credentials,
}

impl Account {
    /// Checks the spec and finds the credentials.
    pub(super) fn new(
        spec: &AzureStorage,
        local: bool,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        check_name(spec)?;
        let endpoint = endpoint(spec)?;
        let credentials = Credentials::resolve(spec.auth, local, environment)?;
        if let Some(endpoint) = &endpoint {
            check_transport(endpoint, &credentials)?;
        }
        Ok(Self {
            name: spec.account.clone(),
            endpoint,
            credentials,
        })
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The service's address, for messages.
    pub(super) fn address(&self) -> String {
        self.endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{}.blob.core.windows.net", self.name))
    }

    /// A client of one container. Nothing is sent yet.
    pub(super) fn open(
        &self,
        container: &str,
        options: &StorageOptions,
        clock: &Arc<Clock>,
    ) -> Result<Arc<dyn ObjectStore>, StorageError> {
        super::install_crypto();
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(&self.name)
            .with_container_name(container)
            .with_retry(retry(options))
            .with_http_connector(Connector::new(Arc::clone(clock)))
            .with_client_options(client(options));
        if let Some(endpoint) = &self.endpoint {
            builder = builder
                .with_endpoint(endpoint.clone())
                .with_allow_http(endpoint.starts_with("http://"));
        }
        let store = sign_in(builder, &self.credentials)
            .build()
            .map_err(|error| self.build_error(&error))?;
        Ok(Arc::new(store))
    }

    fn build_error(&self, error: &object_store::Error) -> StorageError {
        let reason = match &self.credentials {
            Credentials::AccountKey { key, source } if !is_base64(key.expose()) => {
                format!("{source} is not an account key, which is base64")
            }
            Credentials::SasToken { token, source } if !token.expose().contains("sig=") => {
                format!("{source} is not a SAS token, such as sv=...&sig=...")
            }
            // The client's own message may repeat parts of a secret.
            credentials => match credentials.secret() {
                Some(secret) => secret.redact(&error.to_string()),
                None => error.to_string(),
            },
        };
        StorageError::Config { reason }
    }
}

fn is_base64(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    !letters.is_empty()
        && text.len().is_multiple_of(4)
        && letters
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn sign_in(builder: MicrosoftAzureBuilder, credentials: &Credentials) -> MicrosoftAzureBuilder {
    match credentials {
        Credentials::WorkloadIdentity {
            client_id,
            tenant_id,
            token_file,
            authority,
        } => {
            let builder = builder.with_credential_type("workload_identity");
            let builder = builder
                .with_client_id(client_id)
                .with_tenant_id(tenant_id)
                .with_federated_token_file(token_file);
            match authority {
                Some(authority) => builder.with_authority_host(authority.trim_end_matches('/')),
                None => builder,
            }
        }
        Credentials::ManagedIdentity { client_id } => {
            let builder = builder.with_credential_type("managed_identity");
            match client_id {
                Some(client_id) => builder.with_client_id(client_id),
                None => builder,
            }
        }
        Credentials::AccountKey { key, .. } => builder.with_access_key(key.expose()),
        Credentials::SasToken { token, .. } => {
            builder.with_config(AzureConfigKey::SasKey, token.expose())
        }
        Credentials::AzureCli => builder.with_use_azure_cli(true),
        Credentials::Anonymous => builder.with_skip_signature(true),
    }
}

fn retry(options: &StorageOptions) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: options.first_backoff,
            max_backoff: options.max_backoff,
            base: 2.0,
        },
        max_retries: options.max_retries,
        retry_timeout: options.retry_timeout,
    }
}

fn client(options: &StorageOptions) -> ClientOptions {
    ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(concat!(
            "fleetscore/",
            env!("CARGO_PKG_VERSION")
        )))
        .with_connect_timeout(options.connect_timeout)
        .with_timeout(options.request_timeout)
}

fn check_name(spec: &AzureStorage) -> Result<(), StorageError> {
    let name = &spec.account;
    let characters = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let reason = if !(3..=24).contains(&name.len()) || !characters {
        format!(
            "storage.azure.account {name:?} cannot name an account: 3 to 24 lower-case letters and digits"
        )
    } else if spec.auth == AzureAuth::Emulator && name != EMULATOR_ACCOUNT {
        format!(
            "auth: Emulator signs in to {EMULATOR_ACCOUNT}; set storage.azure.account to it, or auth to Secret"
        )
    } else {
        return Ok(());
    };
    Err(StorageError::Config { reason })
}

/// The service's address without slash at its end; none for the public cloud's.
fn endpoint(spec: &AzureStorage) -> Result<Option<String>, StorageError> {
    let emulator = spec.auth == AzureAuth::Emulator;
    let Some(text) = &spec.endpoint else {
        return Ok(emulator.then(|| EMULATOR_ENDPOINT.to_owned()));
    };
    let shown = text
        .split_once('?')
        .map_or(text.as_str(), |(before, _)| before);
    let config = |what: &str| StorageError::Config {
        reason: format!("storage.azure.endpoint {shown:?} {what}"),
    };
    let url = Url::parse(text)
        .map_err(|_| config("is not a URL, such as https://account.blob.core.windows.net"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(config(
            "must begin with https:// or http:// and name a host",
        ));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(config(
            "must not hold a query or credentials; see storage.azure.auth",
        ));
    }
    check_host(&url, &spec.account).map_err(|what| config(&what))?;
    check_path(&url, &spec.account).map_err(|what| config(&what))?;
    let mut text = text.trim_end_matches('/').to_owned();
    if emulator && url.path() == "/" {
        text = format!("{text}/{EMULATOR_ACCOUNT}");
    }
    Ok(Some(text))
}

/// The Blob service's host, of this account where it names one.
fn check_host(url: &Url, account: &str) -> Result<(), String> {
    let mut parts = url.host_str().unwrap_or_default().split('.');
    let (named, service) = (parts.next().unwrap_or_default(), parts.next());
    let cloud = parts.collect::<Vec<_>>().join(".");
    match service {
        Some("dfs") => Err(format!(
            "is the Data Lake service's address; write https://{named}.blob.{cloud}, which knows the same files"
        )),
        Some("blob") if named != account && named.strip_suffix("-secondary") != Some(account) => {
            Err(format!(
                "is that of the account {named}, but storage.azure.account is {account}; write the same in both"
            ))
        }
        _ => Ok(()),
    }
}

/// An address may end in the account's name, as the emulator's does, and in nothing else.
fn check_path(url: &Url, account: &str) -> Result<(), String> {
    let mut segments = url.path().split('/').filter(|segment| !segment.is_empty());
    let base = url.origin().ascii_serialization();
    let (end, container) = match segments.next() {
        None => return Ok(()),
        Some(first) if first == account => (format!("{base}/{account}"), segments.next()),
        first => (base, first),
    };
    container.map_or(Ok(()), |container| {
        Err(format!(
            "must end at the account; write {end}, and the container into the locations, such as az://{container}/..."
        ))
    })
}

/// Keys and tokens are sent encrypted, or stay on this machine. All know the emulator's key, so that it may be anywhere.
fn check_transport(endpoint: &str, credentials: &Credentials) -> Result<(), StorageError> {
    if !credentials.are_secret() || Url::parse(endpoint).is_ok_and(|url| is_private(&url)) {
        return Ok(());
    }
    Err(StorageError::Config {
        reason: format!(
            "storage.azure.endpoint {endpoint:?} would carry keys and tokens unencrypted over the network; write https://, or \
             auth: Emulator for an emulator (plain http:// is for this machine, auth: Emulator and auth: Anonymous alone)"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(account: &str, endpoint: Option<&str>, auth: AzureAuth) -> AzureStorage {
        AzureStorage {
            account: account.to_owned(),
            endpoint: endpoint.map(str::to_owned),
            auth,
            secret_ref: None,
        }
    }

    #[test]
    fn finds_the_address() {
        for (account, endpoint, auth, address) in [
            (
                "plantstore",
                None,
                AzureAuth::Anonymous,
                "https://plantstore.blob.core.windows.net",
            ),
            (
                "plantstore",
                Some("https://plantstore.blob.core.chinacloudapi.cn/"),
                AzureAuth::Anonymous,
                "https://plantstore.blob.core.chinacloudapi.cn",
            ),
            (
                "devstoreaccount1",
                None,
                AzureAuth::Emulator,
                EMULATOR_ENDPOINT,
            ),
            (
                "devstoreaccount1",
                Some("http://azurite:1"),
                AzureAuth::Emulator,
                "http://azurite:1/devstoreaccount1",
            ),
            (
                "devstoreaccount1",
                Some("http://azurite:1/devstoreaccount1/"),
                AzureAuth::Emulator,
                "http://azurite:1/devstoreaccount1",
            ),
        ] {
            let account = Account::new(
                &spec(account, endpoint, auth),
                false,
                &Environment::default(),
            )
            .unwrap();
            assert_eq!(account.address(), address);
        }
    }

    #[test]
    fn refuses_a_wrong_spec_with_the_remedy() {
        for (account, endpoint, auth, part) in [
            (
                "Plant",
                None,
                AzureAuth::Anonymous,
                "3 to 24 lower-case letters and digits",
            ),
            (
                "plantstore",
                None,
                AzureAuth::Emulator,
                "set storage.azure.account to it",
            ),
            (
                "plantstore",
                Some("plantstore"),
                AzureAuth::Anonymous,
                "is not a URL",
            ),
            (
                "plantstore",
                Some("ftp://plantstore"),
                AzureAuth::Anonymous,
                "must begin with https://",
            ),
            (
                "plantstore",
                Some("https://h/?sig=s3cr3t"),
                AzureAuth::Anonymous,
                "must not hold a query",
            ),
            (
                "devstoreaccount1",
                Some("http://127.0.0.1:10000/devstoreaccount1/c"),
                AzureAuth::Emulator,
                "must end at the account; write http://127.0.0.1:10000/devstoreaccount1, and the container into the locations, such as az://c/...",
            ),
            (
                "plantstore",
                Some("https://plantstore.blob.core.windows.net/models/v2/"),
                AzureAuth::Anonymous,
                "write https://plantstore.blob.core.windows.net, and the container into the locations, such as az://models/...",
            ),
            (
                "plantstore",
                Some("https://plantstore.dfs.core.windows.net"),
                AzureAuth::Anonymous,
                "write https://plantstore.blob.core.windows.net, which knows the same files",
            ),
            (
                "plantstore",
                Some("https://other.blob.core.windows.net"),
                AzureAuth::Anonymous,
                "that of the account other, but storage.azure.account is plantstore",
            ),
        ] {
            let error = Account::new(
                &spec(account, endpoint, auth),
                false,
                &Environment::default(),
            )
            .unwrap_err()
            .to_string();
            assert!(error.contains(part) && !error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn keys_and_tokens_are_never_sent_in_the_clear() {
        let environment = || {
            Environment::from([
                ("FLEETSCORE_AZURE_SAS_TOKEN", "sv=1&sig=s3cr3t"),
                ("AZURE_CLIENT_ID", "id"),
                ("AZURE_TENANT_ID", "tenant"),
                ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
            ])
        };
        let open = |account, endpoint, auth| {
            let spec = spec(account, Some(endpoint), auth);
            Account::new(&spec, true, &environment()).map_err(|error| error.to_string())
        };
        let secrets = [
            AzureAuth::Secret,
            AzureAuth::WorkloadIdentity,
            AzureAuth::ManagedIdentity,
        ];
        for auth in secrets {
            for endpoint in [
                "http://10.99.0.1:10000",
                "http://plantstore.blob.core.windows.net",
            ] {
                let error = open("plantstore", endpoint, auth).unwrap_err();
                assert!(
                    error.contains("unencrypted") && error.contains("https://"),
                    "{error}"
                );
                assert!(!error.contains("s3cr3t"), "{error}");
            }
            open("plantstore", "http://127.0.0.1:10000/plantstore", auth).unwrap();
            open("plantstore", "https://10.99.0.1", auth).unwrap();
        }
        open("plantstore", "http://10.99.0.1:10000", AzureAuth::Anonymous).unwrap();
        open(
            "devstoreaccount1",
            "http://10.99.0.1:10000",
            AzureAuth::Emulator,
        )
        .unwrap();
    }

    #[test]
    fn every_way_to_sign_in_opens_a_container_over_https() {
        let identity = [
            ("AZURE_CLIENT_ID", "id"),
            ("AZURE_TENANT_ID", "tenant"),
            ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ];
        let open = |auth, environment: Environment| {
            let account =
                Account::new(&spec("plantstore", None, auth), false, &environment).unwrap();
            account
                .open("models", &StorageOptions::default(), &Arc::default())
                .map(|_| ())
        };
        open(AzureAuth::WorkloadIdentity, Environment::from(identity)).unwrap();
        open(AzureAuth::ManagedIdentity, Environment::default()).unwrap();
        open(AzureAuth::Anonymous, Environment::default()).unwrap();
        open(
            AzureAuth::Secret,
            Environment::from([("FLEETSCORE_AZURE_ACCOUNT_KEY", "a2V5")]),
        )
        .unwrap();
        open(
            AzureAuth::Secret,
            Environment::from([("FLEETSCORE_AZURE_SAS_TOKEN", "?sv=1&sig=x%3D")]),
        )
        .unwrap();
        for (name, value) in [
            ("FLEETSCORE_AZURE_ACCOUNT_KEY", "s3cr3t!"),
            ("FLEETSCORE_AZURE_SAS_TOKEN", "s3cr3t!"),
        ] {
            let error = open(AzureAuth::Secret, Environment::from([(name, value)])).unwrap_err();
            assert!(matches!(error, StorageError::Config { .. }), "{error}");
            assert!(
                error.to_string().contains(name)
                    && !format!("{error} {error:?}").contains("s3cr3t"),
                "{error}"
            );
        }
    }
}
