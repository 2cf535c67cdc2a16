use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::wait_until;

/// A process of `fleetscore ingest`, which is killed at the latest when it is dropped.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Works on the stream of `stream.yaml`; `words` are further options.
    pub fn ingest(folder: &Path, words: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
        Self::start(&mut command, folder, words)
    }

    /// The same, with writes that fail where files may not grow, rather than the signal that would end it.
    pub fn ingest_within_limits(folder: &Path, words: &str) -> Self {
        let mut command = Command::new("sh");
        let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
        command.args(["-c", script, env!("CARGO_BIN_EXE_fleetscore")]);
        Self::start(&mut command, folder, words)
    }

    fn start(command: &mut Command, folder: &Path, words: &str) -> Self {
        command
            .args("ingest -f stream.yaml --verbose --threads 1".split(' '))
            .args(words.split_whitespace())
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (
            BufReader::new(child.stderr.take().unwrap()),
            Arc::clone(&log),
        );
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self { child, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How often it has said something.
    pub fn said(&self, text: &str) -> usize {
        self.log.lock().unwrap().matches(text).count()
    }

    /// Sends a signal: `STOP`, `CONT`, `INT`.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.id());
        let sent = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(sent.success(), "{script}");
    }

    /// Kills it; it must have lived until now.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().unwrap();
        assert_eq!(ended, None, "it has ended by itself: {}", self.log());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Has it save what there is, and end.
    pub fn stop(mut self) {
        self.signal("INT");
        assert_eq!(self.end(), Some(130), "{}", self.log());
    }

    /// Waits until it has come to its end.
    pub fn finish(mut self) {
        assert_eq!(self.end(), Some(0), "{}", self.log());
    }

    fn end(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            if std::thread::panicking() {
                println!("process {} said:\n{}", self.id(), self.log());
            }
        }
    }
}
