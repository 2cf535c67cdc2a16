//! The status as text.

mod run;
mod schedule;
mod stream;

use fleetscore_cluster::Scope;
use fleetscore_cluster::view::{Notice, Overview, Subject};
use fleetscore_crds::{Condition, ConditionStatus};
use jiff::Timestamp;

use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::table::Table;
use crate::kubectl::words::{age, place};

pub use run::run;
pub use schedule::schedule;
pub use stream::stream;

/// Draws all that goes on.
pub fn all(view: &Overview, scope: &Scope, now: Timestamp, page: &mut Page) {
    let everywhere = *scope == Scope::All;
    if !view.schedules.is_empty() {
        page.table(&schedule::schedules(&view.schedules, everywhere, now));
    }
    if !view.streams.is_empty() {
        page.gap();
        page.table(&stream::streams(&view.streams, everywhere, now));
    }
    if !view.running.is_empty() {
        page.gap();
        page.table(&run::running(&view.running, everywhere, now));
    }
    if !view.ended.is_empty() {
        page.gap();
        page.table(&run::ended("ENDED", &view.ended, everywhere, now));
    }
    if page.is_empty() {
        let place = place(scope);
        page.line([format!("No runs, schedules or streams {place}.").into()]);
    }
    notices(&view.notices, page);
    if view.more {
        page.gap();
        page.line([Cell::new(
            "There are more objects than were read: name a namespace with -n.",
            Tone::Warn,
        )]);
    }
}

/// What somebody should look at.
pub fn notices(notices: &[Notice], page: &mut Page) {
    if !notices.is_empty() {
        page.gap();
    }
    for notice in notices {
        let kind = match notice.kind {
            Subject::Run => "run",
            Subject::Schedule => "schedule",
            Subject::Stream => "stream",
        };
        let label = Cell::new("! ", Tone::Warn);
        let text = match notice.message.as_str() {
            "" => format!("{kind}/{}: {}", notice.name, notice.reason),
            message => format!("{kind}/{}: {} ({message})", notice.name, notice.reason),
        };
        page.paragraph(&label, &Cell::from(text));
        if let Some(command) = &notice.command {
            let command = format!("kubectl fleetscore {command}");
            page.line([Cell::from("  -> "), Cell::new(command, Tone::Dim)]);
        }
    }
}

/// A table whose rows begin with the namespace, where not all are of the same.
fn table(everywhere: bool) -> Table {
    if everywhere {
        Table::new().column("NAMESPACE", 0)
    } else {
        Table::new()
    }
}

/// The first cell of a row in such a table, if it has one.
fn namespace(name: &str, everywhere: bool) -> impl Iterator<Item = Cell> {
    everywhere.then(|| name.into()).into_iter()
}

fn fact(label: &str, text: impl Into<Cell>, page: &mut Page) {
    let label = Cell::new(format!("{label:<12}"), Tone::Dim);
    page.paragraph(&label, &text.into());
}

fn conditions(conditions: &[Condition], now: Timestamp, page: &mut Page) {
    if conditions.is_empty() {
        return;
    }
    page.gap();
    let mut table = Table::new()
        .column("CONDITION", 0)
        .column("HOLDS", 0)
        .column("FOR", 2)
        .column("REASON", 0)
        .column("MESSAGE", 0);
    for condition in conditions {
        let holds = match condition.status {
            ConditionStatus::True => "yes",
            ConditionStatus::False => "no",
            ConditionStatus::Unknown => "unknown",
        };
        table.row([
            condition.kind.as_str().into(),
            holds.into(),
            age(condition.last_transition_time, now).into(),
            condition.reason.as_str().into(),
            condition.message.as_str().into(),
        ]);
    }
    page.table(&table);
}
