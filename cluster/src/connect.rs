use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::ClusterError;
use crate::error::causes;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Whose login is used, and for which cluster.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The kubeconfig; else the files that `KUBECONFIG` names, else `~/.kube/config`, else the pod's own service account.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; else its current one.
    pub context: Option<String>,
    /// The user to act as.
    pub act_as: Option<String>,
    /// The groups to act as.
    pub act_as_groups: Vec<String>,
    /// How long one request may take.
    pub request_timeout: Option<Duration>,
}

/// How long one request may take where nothing is said.
const REQUEST: Duration = Duration::from_mins(1);

/// A cluster, with somebody's login.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: Client,
    pub(crate) timeout: Duration,
    namespace: String,
    server: String,
}

impl Cluster {
    /// Reads the login. Nothing is asked of the cluster.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Login`]: no kubeconfig, no such context, credentials that cannot be used.
    pub async fn connect(login: &Login) -> Result<Self, ClusterError> {
        let mut config = config(login).await?;
        config.connect_timeout = Some(CONNECT);
        if let Some(user) = &login.act_as {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !login.act_as_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(login.act_as_groups.clone());
        }
        let (namespace, server) = (
            config.default_namespace.clone(),
            config.cluster_url.to_string(),
        );
        let client =
            Client::try_from(config).map_err(|error| ClusterError::Login(causes(&error)))?;
        Ok(Self {
            client,
            timeout: login.request_timeout.unwrap_or(REQUEST),
            namespace,
            server,
        })
    }

    /// The namespace of the login's context.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// URL of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The client, for requests that are none of this package's.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

async fn config(login: &Login) -> Result<Config, ClusterError> {
    let told = |error: &dyn std::error::Error| ClusterError::Login(causes(error));
    let options = KubeConfigOptions {
        context: login.context.clone(),
        ..KubeConfigOptions::default()
    };
    let read = match &login.kubeconfig {
        Some(file) => match Kubeconfig::read_from(file) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
            Err(error) => Err(error),
        },
        None => Config::from_kubeconfig(&options).await,
    };
    match read {
        Ok(config) => Ok(config),
        // In a pod there is a service account instead.
        Err(error) if login.kubeconfig.is_none() && login.context.is_none() => {
            Config::incluster().map_err(|_| told(&error))
        }
        Err(error) => Err(told(&error)),
    }
}
