use std::collections::BTreeMap;
use std::time::Duration;

/// Limits of a [`Storage`](super::Storage), and what it may use to sign in.
#[derive(Clone, Debug)]
pub struct StorageOptions {
    /// Requests in flight per container; at least 1.
    pub concurrency: usize,
    /// Files of a mounted volume that are read or written at the same time; at least 1. Each takes a thread.
    pub files: usize,
    /// How often a request is tried again after a temporary failure. So often by default that the time alone ends it: pauses
    /// are random, and a few short ones are over long before storage is back.
    pub max_retries: usize,
    /// No further try is begun this long after the first.
    pub retry_timeout: Duration,
    /// The pause before the second try; it doubles with every try, with jitter, up to `max_backoff`.
    pub first_backoff: Duration,
    /// The longest pause between two tries.
    pub max_backoff: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long one try may take, to the last byte of its response. Objects move in parts of a few MiB.
    pub request_timeout: Duration,
    /// Whether `auth: WorkloadIdentity` may fall back on keys in the environment and the Azure CLI's login: on a laptop, not in
    /// a pod.
    pub local_credentials: bool,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self {
            concurrency: 64,
            files: 16,
            max_retries: 10_000,
            retry_timeout: Duration::from_mins(3),
            first_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_mins(1),
            local_credentials: false,
        }
    }
}

/// The environment variables that credentials are read from.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process; what is not Unicode is left out.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable, without white space at its ends; none where that leaves nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

impl std::fmt::Debug for Environment {
    // The values may be secrets.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Environment({} variables)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_alone_ends_the_tries() {
        let options = StorageOptions::default();
        let shortest = options.first_backoff * u32::try_from(options.max_retries).unwrap();
        assert!(shortest > options.retry_timeout);
    }
}
