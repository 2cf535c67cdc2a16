use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// A process, as others on the same machine or elsewhere can tell it from all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The machine's name, for people.
    pub host: String,
    /// The process's number.
    pub pid: u32,
    /// Where and when the number holds; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// Where and when a process's number holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// The machine since it was started last, and the processes that see each other on it.
    pub machine: String,
    /// When the process began, in the machine's own count.
    pub started: u64,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let scope = machine().zip(started(pid));
        Self {
            host: host.trim().to_owned(),
            pid,
            scope: scope.map(|(machine, started)| Scope { machine, started }),
        }
    }

    /// Whether the process is running; none where that cannot be seen from here.
    pub fn is_running(&self) -> Option<bool> {
        let scope = self.scope.as_ref()?;
        (machine()? == scope.machine).then(|| started(self.pid) == Some(scope.started))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "process {}", self.pid)?;
        if self.host.is_empty() {
            return Ok(());
        }
        write!(out, " on {}", self.host)
    }
}

/// The machine's start, and the namespace of process numbers: containers on one machine do not see each other's.
fn machine() -> Option<String> {
    let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", start.trim(), namespace.display()))
}

/// The clock ticks from the machine's start to the process's: field 22 of its `stat` (proc(5)). None where it does not run.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the program's name in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    // A zombie has ended: it waits for its parent only.
    if matches!(fields.next(), Some("Z" | "X")) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_told_from_a_later_one_of_its_number() {
        let current = Process::current();
        assert_eq!(current.is_running(), Some(true));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let mut other = Process {
            pid: child.id(),
            ..current.clone()
        };
        child.wait().unwrap();
        assert_eq!(other.is_running(), Some(false));
        other.pid = current.pid;
        if let Some(scope) = &mut other.scope {
            scope.started += 1;
        }
        assert_eq!(other.is_running(), Some(false));
        if let Some(scope) = &mut other.scope {
            scope.machine.push('x');
        }
        assert_eq!(other.is_running(), None);
    }
}
