use std::cmp::Ordering;

use super::document::AnomalousSensor;
use super::top::Top;
use crate::ledger::{LedgerEntry, ScoreSummary, WarningReason};
use crate::models::Kind;

/// Most anomalous sensors in a report.
const PLACES: usize = 20;
/// Places of these that mostly anomalous sensors may take from others.
const MOSTLY_ANOMALOUS: usize = 5;

/// The most anomalous sensors so far.
#[derive(Clone, Debug)]
pub(super) struct Ranking {
    // Apart, so that neither kind can push out the other before the two are merged.
    others: Top<Ranked>,
    mostly: Top<Ranked>,
}

impl Ranking {
    pub(super) fn new() -> Self {
        Self {
            others: Top::new(PLACES),
            mostly: Top::new(PLACES),
        }
    }

    /// Keeps the sensor of `entry` if it has anomalies and is among the first so far.
    pub(super) fn offer(&mut self, entry: &LedgerEntry) {
        if entry.anomalies > 0 {
            let ranked = Ranked::new(entry);
            let top = if ranked.0.mostly_anomalous {
                &mut self.mostly
            } else {
                &mut self.others
            };
            top.offer(ranked);
        }
    }

    /// The report's list. Mostly anomalous sensors have a few places, and those that nobody wants.
    pub(super) fn into_list(self) -> Vec<AnomalousSensor> {
        let mut list: Vec<_> = self.others.into_sorted().collect();
        let places = MOSTLY_ANOMALOUS.max(PLACES - list.len());
        let mostly: Vec<_> = self.mostly.into_sorted().take(places).collect();
        list.truncate(PLACES - mostly.len());
        list.extend(mostly);
        list.sort_unstable();
        list.into_iter().map(|Ranked(sensor)| sensor).collect()
    }
}

/// A sensor in the order of the report: largest share of anomalies, most anomalies, furthest below
/// zero by the measure of its own scores (those of two models do not compare), then by key.
#[derive(Clone, Debug)]
struct Ranked(AnomalousSensor);

impl Ranked {
    fn new(entry: &LedgerEntry) -> Self {
        let is_finite = |score: &ScoreSummary| {
            score.min.is_finite() && score.mean.is_finite() && score.max.is_finite()
        };
        Self(AnomalousSensor {
            key: entry.key.clone(),
            rows: entry.rows,
            anomalies: entry.anomalies,
            share: entry.anomalies as f64 / entry.rows.max(1) as f64,
            mostly_anomalous: (entry.warnings.iter())
                .any(|warning| warning.reason == WarningReason::MostlyAnomalous),
            score: entry.score.filter(is_finite),
            output: entry.output.clone(),
            kind: entry
                .model
                .as_ref()
                .map_or_else(Kind::default, |model| model.output),
        })
    }

    /// How far the lowest score is below zero, as a share of the range of the scores.
    fn depth(&self) -> f64 {
        let Some(score) = self.0.score else {
            return 0.0;
        };
        let range = score.max.max(0.0) - score.min;
        if range > 0.0 { -score.min / range } else { 0.0 }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (&self.0, &other.0);
        (right.share.total_cmp(&left.share))
            .then(right.anomalies.cmp(&left.anomalies))
            .then(other.depth().total_cmp(&self.depth()))
            .then_with(|| left.key.cmp(&right.key))
            .then_with(|| left.output.cmp(&right.output))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}
