//! The program itself, as a process.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::{until, until_true};

/// A running operator. It ends with the test.
pub struct Program {
    child: Child,
    folder: TempDir,
}

impl Program {
    /// Starts a replica of this name against the API server at `url`.
    pub fn start(url: &str, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{url}'}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
        );
        fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
        fs::write(
            folder.path().join("operator.yaml"),
            "scorer: {image: 'scorer:test'}",
        )
        .unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_fleetscore-operator"))
            .arg("--config")
            .arg(folder.path().join("operator.yaml"))
            .args(["--listen", "127.0.0.1:0", "--log-format", "text"])
            .args(args)
            .env_clear()
            .env("KUBECONFIG", folder.path().join("kubeconfig"))
            .env("POD_NAME", name)
            .env("POD_NAMESPACE", "fleetscore")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// Asks it to end, as Kubernetes does.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
    }

    /// How it ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        until("end of the program", || child.try_wait().unwrap()).await
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until it has logged this.
    pub async fn logged(&self, words: &str) {
        until_true(words, || self.log().contains(words)).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the operator's log:\n{}", self.log());
        }
    }
}
