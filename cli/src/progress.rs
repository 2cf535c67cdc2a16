//! The progress of a run on standard error: a bar on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal as _, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fleetscore_scorer::steps::Progress;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Steps of the bar.
const BAR_LENGTH: u64 = 1000;

/// A bar that counts `what`; hidden where standard error is no terminal.
pub fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = format!(
        "{{msg:>10}} [{{bar:30}}] {{human_pos}}/{{human_len}} {what}, {{per_sec}}, {{eta}} left"
    );
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Shows progress until it is finished.
pub struct Display {
    shown: Option<Shown>,
    step: Arc<Mutex<String>>,
}

struct Shown {
    done: Sender<()>,
    thread: JoinHandle<()>,
}

impl Display {
    /// Starts to show `progress`, unless `quiet`.
    pub fn start(progress: &Arc<Progress>, quiet: bool) -> Self {
        let step = Arc::new(Mutex::new(String::new()));
        let (done, finished) = channel();
        let shown = (!quiet).then(|| {
            let watcher = Watcher {
                progress: Arc::clone(progress),
                step: Arc::clone(&step),
                start: Instant::now(),
            };
            let thread = std::thread::spawn(move || watcher.watch(&finished));
            Shown { done, thread }
        });
        Self { shown, step }
    }

    /// Tells which step has begun.
    pub fn step(&self, name: &str) {
        name.clone_into(&mut self.step.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Stops and cleans up.
    pub fn finish(self) {
        if let Some(Shown { done, thread }) = self.shown {
            drop(done);
            // A display that panicked is no reason to fail the run.
            let _ = thread.join();
        }
    }
}

struct Watcher {
    progress: Arc<Progress>,
    step: Arc<Mutex<String>>,
    start: Instant,
}

impl Watcher {
    fn watch(&self, finished: &Receiver<()>) {
        if std::io::stderr().is_terminal() {
            self.draw(finished);
        } else {
            self.print(finished, LINE_EVERY, &mut std::io::stderr());
        }
    }

    /// A line to `out` every so often.
    fn print(&self, finished: &Receiver<()>, every: Duration, out: &mut impl Write) {
        while finished.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let percent = self.progress.fraction() * 100.0;
            // Nobody reading it is no reason to fail the run.
            let _ = writeln!(out, "{} {percent:.0}%, {}", self.step(), self.figures());
        }
    }

    fn draw(&self, finished: &Receiver<()>) {
        let bar = ProgressBar::new(BAR_LENGTH);
        if let Ok(style) =
            // Not `wide_msg`, which is cut where the terminal ends.
            ProgressStyle::with_template("{prefix:>10} [{bar:30}] {percent:>3}%{msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        while finished.recv_timeout(BAR_EVERY) == Err(RecvTimeoutError::Timeout) {
            bar.set_prefix(self.step());
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the bar's length"
            )]
            bar.set_position((self.progress.fraction() * BAR_LENGTH as f64) as u64);
            bar.set_message(self.beside_and_below());
        }
        bar.finish_and_clear();
    }

    fn step(&self) -> String {
        self.step
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What stands beside the bar, and below it: in a line of 80 columns there is no room for all.
    fn beside_and_below(&self) -> String {
        let left = self
            .left()
            .map_or_else(String::new, |left| format!("  {left}"));
        format!("{left}\n{:>10} {}", "", self.counts())
    }

    /// `12/200 sensors (1 failed), 34,000 rows, 120 sensors/s, 340,000 rows/s, 3 seconds left`
    fn figures(&self) -> String {
        let left = self
            .left()
            .map_or_else(String::new, |left| format!(", {left}"));
        self.counts() + &left
    }

    /// `12/200 sensors (1 failed), 34,000 rows, 120 sensors/s, 340,000 rows/s`; or what is waited for.
    fn counts(&self) -> String {
        let waiting = self.progress.waiting();
        if !waiting.is_empty() {
            return format!("waiting for readings: {waiting}");
        }
        let Progress {
            sensors,
            done,
            failed,
            rows,
            ..
        } = &*self.progress;
        let (sensors, done, failed, rows) = (
            Progress::get(sensors),
            Progress::get(done),
            Progress::get(failed),
            Progress::get(rows),
        );
        let seconds = self.start.elapsed().as_secs_f64().max(1e-3);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rates are shown as whole numbers"
        )]
        let rate = |count: u64| HumanCount((count as f64 / seconds) as u64);
        let failures = if failed == 0 {
            String::new()
        } else {
            format!(" ({} failed)", HumanCount(failed))
        };
        format!(
            "{}/{} sensors{failures}, {} rows, {} sensors/s, {} rows/s",
            HumanCount(done),
            HumanCount(sensors),
            HumanCount(rows),
            rate(done),
            rate(rows)
        )
    }

    /// `3 seconds left`
    fn left(&self) -> Option<String> {
        let fraction = self.progress.fraction();
        let seconds = self.start.elapsed().as_secs_f64();
        (fraction > 0.01 && fraction < 1.0)
            .then(|| Duration::try_from_secs_f64(seconds * (1.0 - fraction) / fraction).ok())
            .flatten()
            .map(|left| format!("{} left", HumanDuration(left)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    /// Keeps lines; finishes the display after some.
    struct Lines {
        text: String,
        done: Option<Sender<()>>,
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.text += &String::from_utf8_lossy(bytes);
            if self.text.lines().count() >= 3 {
                self.done = None;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_every_so_often_until_it_is_finished() {
        let progress = Arc::new(Progress::default());
        for (counter, value) in [
            (&progress.sensors, 2000),
            (&progress.done, 500),
            (&progress.failed, 1),
            (&progress.rows, 34_000),
        ] {
            counter.store(value, Ordering::Relaxed);
        }
        let watcher = Watcher {
            progress,
            step: Arc::new(Mutex::new("Scoring".to_owned())),
            start: Instant::now(),
        };
        let (done, finished) = channel();
        let mut lines = Lines {
            text: String::new(),
            done: Some(done),
        };
        watcher.print(&finished, Duration::from_millis(1), &mut lines);
        assert_eq!(lines.text.lines().count(), 3, "{}", lines.text);
        for line in lines.text.lines() {
            assert!(line.starts_with("Scoring "), "{line}");
            assert!(
                line.contains("%, 500/2,000 sensors (1 failed), 34,000 rows, "),
                "{line}"
            );
        }
    }
}
