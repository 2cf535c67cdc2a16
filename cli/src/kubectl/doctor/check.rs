//! One check, and how all of them are shown.

use std::collections::BTreeSet;

use fleetscore_cluster::ClusterError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::words::counted;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum State {
    /// Good.
    Ok,
    /// It could not be made, or somebody should look at it.
    Warn,
    /// Runs will not work, or something is broken.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What it is about: `cluster`, `definitions`, `install`, `operator`, `rights`, `identity`, `nodes`, `images`, `quota`, `queue`, `storage`, `monitors`, `schedules`.
    pub category: String,
    /// How it came out.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    /// All is good.
    pub fn ok(category: &str, message: impl Into<String>) -> Self {
        Self {
            category: category.to_owned(),
            state: State::Ok,
            message: message.into(),
            hint: None,
        }
    }

    /// Somebody should look at it.
    pub fn warn(category: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            hint: Some(hint.into()),
            ..Self::ok(category, message)
        }
    }

    /// It is broken.
    pub fn fail(category: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(category, message, hint)
        }
    }
}

/// All checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorView {
    /// Version of this form: 1.
    pub version: u32,
    /// The namespace that was checked; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The checks.
    pub checks: Vec<Check>,
}

impl DoctorView {
    /// Whether one of them failed.
    pub fn has_failed(&self) -> bool {
        self.checks.iter().any(|check| check.state == State::Fail)
    }
}

/// The checks so far, and what could not be looked at for want of a right.
#[derive(Debug, Default)]
pub struct Findings {
    checks: Vec<Check>,
    unread: BTreeSet<String>,
}

impl Findings {
    /// Adds a check.
    pub fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Whether a check of this category stands there already.
    pub fn has(&self, category: &str) -> bool {
        self.checks.iter().any(|check| check.category == category)
    }

    /// Whether something could not be looked at for want of a right.
    pub fn lacks(&self, what: &str) -> bool {
        self.unread.contains(what)
    }

    /// What was read. Of what may not be read is told at the end; of what cannot be, at once.
    pub fn read<T>(
        &mut self,
        category: &str,
        what: &str,
        answer: Result<T, ClusterError>,
    ) -> Option<T> {
        match answer {
            Ok(found) => Some(found),
            Err(error) if error.is_forbidden() => {
                self.unread.insert(what.to_owned());
                None
            }
            Err(error) => {
                let message = format!("{what}: {error}");
                self.add(Check::warn(category, message, "try again"));
                None
            }
        }
    }

    /// All checks.
    pub fn into_checks(mut self) -> Vec<Check> {
        if !self.unread.is_empty() {
            let unread: Vec<_> = self.unread.into_iter().collect();
            self.checks.push(Check::warn(
                "rights",
                format!("not looked at, since you may not: {}", unread.join(", ")),
                "runs need none of these rights; somebody who has them sees more with the same command",
            ));
        }
        self.checks
    }
}

/// Draws them, a line a check and its hint below it.
pub fn draw(view: &DoctorView, page: &mut Page) {
    let mut before = "";
    for check in &view.checks {
        let category = if before == check.category {
            ""
        } else {
            &check.category
        };
        before = &check.category;
        let (word, tone) = match check.state {
            State::Ok => ("ok", Tone::Good),
            State::Warn => ("warn", Tone::Warn),
            State::Fail => ("FAIL", Tone::Bad),
        };
        page.paragraph(
            &Cell::new(format!("{category:<13}{word:<6}"), tone),
            &check.message.as_str().into(),
        );
        if let Some(hint) = &check.hint {
            page.paragraph(
                &Cell::from(format!("{:19}-> ", "")),
                &Cell::new(hint, Tone::Dim),
            );
        }
    }
    let states = || view.checks.iter().map(|check| check.state);
    let number = |state| states().filter(|found| *found == state).count() as u64;
    let (failed, warned) = (number(State::Fail), number(State::Warn));
    page.gap();
    let (text, tone) = match (failed, warned) {
        (0, 0) => ("All is well.".to_owned(), Tone::Good),
        (0, warned) => (
            format!("Runs can work; {} to look at.", counted(warned, "warning")),
            Tone::Warn,
        ),
        (failed, warned) => (
            format!(
                "{} failed, {} to look at.",
                counted(failed, "check"),
                counted(warned, "warning")
            ),
            Tone::Bad,
        ),
    };
    page.line([Cell::new(text, tone)]);
}
