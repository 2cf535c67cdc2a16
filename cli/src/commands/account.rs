//! Which storage account lies behind a URL, and how to sign in there.

use clap::{Args, ValueEnum};
use fleetscore_crds::{AzureAuth, AzureStorage, StorageSpec};

/// The storage account behind a URL.
#[derive(Args)]
pub struct AccountArgs {
    /// The storage account of an az:// location
    #[arg(long)]
    account: Option<String>,
    /// How to sign in to the storage account
    #[arg(long, value_enum, default_value_t = Auth::Login)]
    auth: Auth,
}

/// How to sign in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Auth {
    /// Keys in the environment, else the Azure CLI's login
    Login,
    /// The identity of this machine
    ManagedIdentity,
    /// Azurite's well-known account
    Emulator,
    /// No credentials
    Anonymous,
}

impl Auth {
    /// The same as manifests have it.
    pub fn azure(self) -> AzureAuth {
        match self {
            Self::Login => AzureAuth::WorkloadIdentity,
            Self::ManagedIdentity => AzureAuth::ManagedIdentity,
            Self::Emulator => AzureAuth::Emulator,
            Self::Anonymous => AzureAuth::Anonymous,
        }
    }
}

impl AccountArgs {
    /// The storage that they name, at `endpoint` where it is not the public cloud's.
    pub fn spec(&self, endpoint: Option<&str>) -> StorageSpec {
        let auth = self.auth.azure();
        let emulator = matches!(self.auth, Auth::Emulator).then(|| "devstoreaccount1".to_owned());
        let azure = self
            .account
            .clone()
            .or(emulator)
            .map(|account| AzureStorage {
                account,
                endpoint: endpoint.map(ToOwned::to_owned),
                auth,
                secret_ref: None,
            });
        StorageSpec {
            azure,
            ..StorageSpec::default()
        }
    }
}
