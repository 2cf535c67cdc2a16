use std::path::Path;
use std::process::Command;

use crate::or_skip;

/// The emulator of Blob storage that all tests share, and a container of one test's own.
pub struct Azurite {
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
    pub container: String,
}

impl Azurite {
    /// The one of the environment, or a line that the test is skipped.
    pub fn or_skip(test: &str) -> Option<Self> {
        let endpoint = or_skip("FLEETSCORE_AZURITE_ENDPOINT")?;
        let container = format!("{test}-{}", std::process::id());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/azurite.sh");
        let made = Command::new(script)
            .args(["container", &container])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let address = endpoint.trim_start_matches("http://");
        let address = address.trim_end_matches("/devstoreaccount1").to_owned();
        Some(Self { address, container })
    }
}

/// The storage of a manifest, by way of an address.
pub fn spec(address: &str) -> String {
    format!(
        "{{azure: {{account: devstoreaccount1, endpoint: \"http://{address}/devstoreaccount1\", auth: Emulator}}}}"
    )
}
