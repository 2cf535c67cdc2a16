//! A worker that this process starts, and that ends with it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use fleetscore_crds::WorkerSpec;
use fleetscore_crds::contract::worker_pod;
use tempfile::TempDir;

use super::PROGRAM;

/// What of this process's environment Python gets to see: none of it tells a secret.
const ENVIRONMENT: [&str; 17] = [
    "CONDA_PREFIX",
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONHOME",
    "PYTHONPATH",
    "TZ",
    "VIRTUAL_ENV",
];
/// Bytes of the path of a socket at most, on any system.
const SOCKET_PATH: usize = 100;
/// Bytes of a line of its output that are looked at.
const LINE: u64 = 4096;

/// A supervisor of Python processes. It ends when its standard input does: with this process, whatever ends that.
#[derive(Debug)]
pub struct Local {
    child: Child,
    /// Open as long as it is to run.
    input: Option<ChildStdin>,
    folder: TempDir,
    last_line: Arc<Mutex<String>>,
}

impl Local {
    /// Starts it in a folder of its own, with `threads` CPUs for all its processes.
    pub fn start(spec: &WorkerSpec, threads: usize) -> Result<Self, String> {
        let made = folder().and_then(|folder| {
            std::fs::write(folder.path().join(worker_pod::FILE), PROGRAM)?;
            std::fs::create_dir(folder.path().join("tmp"))?;
            Ok(folder)
        });
        let folder = made.map_err(|error| format!("no folder for it can be made: {error}"))?;
        let path = |name: &str| folder.path().join(name);
        let json = serde_json::to_string(spec).map_err(|error| error.to_string())?;
        let mut words = spec.command.iter();
        let program = words.next().map_or("python3", String::as_str);
        let environment = ENVIRONMENT
            .iter()
            .filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut command = Command::new(program);
        command
            .args(words)
            .arg(path(worker_pod::FILE))
            .arg("until-stdin-ends")
            .env_clear()
            .envs(environment)
            .env("TMPDIR", path("tmp"))
            .env(worker_pod::SOCKET, path("socket"))
            .env(worker_pod::DIR, folder.path())
            .env(worker_pod::SPEC, json)
            .env(worker_pod::THREADS, OsString::from(threads.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C is for this process, which lets it end in order.
            .process_group(0);
        let started = command.spawn();
        let mut child = started.map_err(|error| {
            format!(
                "`{program}` cannot be started: {error}; name a Python in spec.model.worker.command"
            )
        })?;
        let last_line = Arc::default();
        if let Some(output) = child.stderr.take() {
            let last = Arc::clone(&last_line);
            std::thread::spawn(move || keep_last_line(output, &last));
        }
        Ok(Self {
            input: child.stdin.take(),
            child,
            folder,
            last_line,
        })
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The folder for models.
    pub fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        let last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(format!("it has ended with {status}: {last}"))
    }
}

impl Drop for Local {
    /// Ends it, with all its processes and files.
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// A folder for nobody else, whose path is short enough for a socket in it.
fn folder() -> io::Result<TempDir> {
    let usual = std::env::temp_dir();
    let name = "fleetscore-worker-";
    let is_short = usual.as_os_str().len() + name.len() + 16 < SOCKET_PATH;
    let above = if is_short {
        usual.as_path()
    } else {
        Path::new("/tmp")
    };
    tempfile::Builder::new().prefix(name).tempdir_in(above)
}

fn keep_last_line(output: ChildStderr, last: &Mutex<String>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(
        output.by_ref().take(LINE).read_until(b'\n', &mut line),
        Ok(1..)
    ) {
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            text.trim().clone_into(&mut last);
        }
        line.clear();
    }
}
