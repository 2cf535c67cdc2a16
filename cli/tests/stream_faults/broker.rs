use std::path::PathBuf;
use std::process::Command;

/// A broker of one test alone, which it may end.
pub struct Broker {
    state: tempfile::TempDir,
    /// Where it listens.
    pub address: String,
    /// Where it sends who comes from [`behind`](Self::behind).
    pub proxy: String,
    /// Where the proxy leads to.
    pub behind: String,
}

impl Broker {
    pub fn start() -> Self {
        let mut broker = Self {
            state: tempfile::tempdir().unwrap(),
            address: String::new(),
            proxy: String::new(),
            behind: String::new(),
        };
        let said = broker.run("start");
        let get = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().to_owned()
        };
        broker.address = get("FLEETSCORE_KAFKA=");
        broker.proxy = get("FLEETSCORE_KAFKA_PROXY=");
        broker.behind = get("FLEETSCORE_KAFKA_BEHIND=");
        broker
    }

    /// Ends it, and starts it again with what it had.
    pub fn restart(&self) {
        self.run("halt");
        self.run("resume");
    }

    fn run(&self, what: &str) -> String {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/broker.sh");
        let output = Command::new(script)
            .arg(what)
            .env("FLEETSCORE_BROKER_STATE", self.state.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "broker.sh {what}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.run("stop");
    }
}
