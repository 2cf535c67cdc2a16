use std::collections::BTreeMap;

use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use crate::{Run, Schedule};

/// What a month costs is told of so many hours.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What runs took of nodes, by schedule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostView {
    /// The version of this form.
    pub version: u32,
    /// By namespace and schedule; runs without a schedule are a line of their own.
    pub lines: Vec<CostLine>,
}

/// What the runs of a schedule took. Only runs that are still there are counted: `history` of the schedule says how many are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostLine {
    /// The namespace.
    pub namespace: String,
    /// The schedule; none: runs without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Ended runs that tell what they took.
    pub runs: u64,
    /// Ended runs that do not: the operator is not told how large a node is, or is older.
    pub unknown: u64,
    /// The most nodes that one of them had.
    pub nodes: u32,
    /// Seconds of a node that they took together.
    pub node_seconds: u64,
    /// What that cost together; none where a run tells no price, or two tell different currencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// The currency of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Ticks of the schedule in the next 30 days; none where it does not tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_ticks: Option<u64>,
    /// What so many runs would cost, each as much as these did on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_amount: Option<f64>,
}

/// What runs took, at `now`.
pub fn cost<'a>(
    runs: impl IntoIterator<Item = &'a Run>,
    schedules: impl IntoIterator<Item = &'a Schedule>,
    now: Timestamp,
) -> CostView {
    let mut lines: BTreeMap<(String, Option<String>), CostLine> = BTreeMap::new();
    for run in runs {
        let key = (
            run.namespace().to_owned(),
            run.schedule().map(str::to_owned),
        );
        let line = lines.entry(key.clone()).or_insert_with(|| CostLine {
            namespace: key.0,
            schedule: key.1,
            ..CostLine::default()
        });
        line.add(run);
    }
    for schedule in schedules {
        let key = (
            schedule.namespace().to_owned(),
            Some(schedule.name().to_owned()),
        );
        if let Some(line) = lines.get_mut(&key) {
            line.look_ahead(schedule, now);
        }
    }
    CostView {
        version: VERSION,
        lines: lines
            .into_values()
            .filter(|line| line.runs + line.unknown > 0)
            .collect(),
    }
}

impl CostLine {
    fn add(&mut self, run: &Run) {
        let Some(status) = run
            .status
            .as_ref()
            .ok()
            .filter(|status| status.phase.is_end())
        else {
            return;
        };
        let Some(usage) = &status.usage else {
            self.unknown += 1;
            return;
        };
        let fits = self.runs == 0 || (self.amount.is_some() && self.currency == usage.currency);
        self.amount = usage
            .amount
            .filter(|_| fits)
            .map(|amount| self.amount.unwrap_or(0.0) + amount);
        self.currency = self.amount.and(usage.currency.clone());
        self.runs += 1;
        self.nodes = self.nodes.max(usage.nodes);
        self.node_seconds = self.node_seconds.saturating_add(usage.node_seconds);
    }

    fn look_ahead(&mut self, schedule: &Schedule, now: Timestamp) {
        let Some(spec) = schedule.spec.as_ref().ok().filter(|spec| !spec.suspend) else {
            return;
        };
        let timetable = Timetable::parse(&spec.schedule, &spec.time_zone).ok();
        let ticks = timetable.zip(now.checked_add(MONTH).ok());
        self.month_ticks = ticks.map(|(timetable, end)| timetable.count(now, end));
        let each = self.amount.map(|amount| amount / self.runs as f64);
        self.month_amount = each
            .zip(self.month_ticks)
            .map(|(each, ticks)| each * ticks as f64);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(schedule: Option<&str>, usage: &serde_json::Value) -> Run {
        let labels = schedule.map(|name| json!({"scoring.fleetscore.io/schedule": name}));
        serde_json::from_value(json!({
            "metadata": {"name": "r", "namespace": "a", "labels": labels}, "spec": {},
            "status": {"phase": "Succeeded", "usage": usage},
        }))
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn amounts_add_up_where_all_runs_tell_them_in_one_currency() {
        let usage = |amount, currency| json!({"nodes": 2, "nodeSeconds": 100, "amount": amount, "currency": currency});
        let eur = run(Some("pumps"), &usage(Some(0.5), Some("EUR")));
        let none = run(Some("pumps"), &usage(None, None));
        let usd = run(Some("pumps"), &usage(Some(0.5), Some("USD")));
        let silent = run(None, &json!(null));
        for (runs, amount) in [
            (vec![&eur, &eur], Some(1.0)),
            (vec![&eur, &none, &eur], None),
            (vec![&none, &eur], None),
            (vec![&eur, &usd, &eur], None),
        ] {
            let view = cost(runs.clone(), [], Timestamp::UNIX_EPOCH);
            assert_eq!(view.lines[0].amount, amount);
            assert_eq!(view.lines[0].node_seconds, 100 * runs.len() as u64);
        }
        let view = cost([&silent, &eur], [], Timestamp::UNIX_EPOCH);
        assert_eq!(
            (view.lines[0].unknown, view.lines[0].schedule.as_deref()),
            (1, None)
        );
        assert_eq!(view.lines[1].runs, 1);
    }
}
