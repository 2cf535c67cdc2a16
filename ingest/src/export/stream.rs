use fleetscore_crds::{AggregateFunction, Duplicates, EventFormat, FieldType, ReadingStreamSpec};

use super::condition::Sql;
use crate::event::{Node, Plan, Shape, SpecError};
use crate::expression::{Condition, Expression};

/// A stream whose fields are known, and what is found out while it is written for another engine.
pub(super) struct Stream<'s> {
    pub namespace: &'s str,
    pub name: &'s str,
    pub spec: &'s ReadingStreamSpec,
    pub plan: Plan,
    /// What the other engine cannot say.
    pub refused: Vec<SpecError>,
    /// What it does otherwise.
    pub warnings: Vec<String>,
}

/// Where in an event's body a field is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Whether it is in an item of the list of readings.
    pub in_item: bool,
    /// The names that lead there; none: it is the item itself.
    pub names: Vec<String>,
}

impl<'s> Stream<'s> {
    pub fn new(
        namespace: &'s str,
        name: &'s str,
        spec: &'s ReadingStreamSpec,
    ) -> Result<Self, Vec<SpecError>> {
        Ok(Self {
            namespace,
            name,
            spec,
            plan: Plan::new(&spec.event, spec.filter.as_deref())?,
            refused: Vec::new(),
            warnings: Vec::new(),
        })
    }

    pub fn refuse(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.refused.push(SpecError::new(path, message));
    }

    pub fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(message.into());
    }

    /// The value, or a refusal of the field `path` and an empty text.
    pub fn or_refuse(&mut self, path: &str, written: Result<String, String>) -> String {
        written.unwrap_or_else(|message| {
            self.refuse(path, message);
            String::new()
        })
    }

    /// The tree of wanted parts of events in JSON. Other formats are refused.
    pub fn shape(&mut self, engine: &str) -> Shape {
        if let Some(shape) = self.plan.shape() {
            return shape.clone();
        }
        let format = match self.spec.event.format {
            EventFormat::Avro => "Avro",
            _ => "Csv",
        };
        self.refuse(
            "spec.event.format",
            format!("{format} cannot be exported to {engine}: send events as Json, or stay with `fleetscore ingest`"),
        );
        Shape::default()
    }

    /// Refuses and warns of what no other engine has.
    pub fn refuse_everywhere(&mut self, engine: &str) {
        if self.spec.duplicates != Duplicates::Keep {
            self.refuse(
                "spec.duplicates",
                format!("{engine} cannot drop what came before: export with `duplicates: Keep`, or let the senders send once"),
            );
        }
        for (at, aggregate) in self.spec.aggregates.iter().enumerate() {
            if matches!(
                aggregate.function,
                AggregateFunction::First | AggregateFunction::Last
            ) {
                self.refuse(
                    format!("spec.aggregates[{at}].function"),
                    format!("{:?} is by the reading's own time, in {engine} it would be by arrival: take Min, Max or Avg", aggregate.function),
                );
            }
        }
        if self.spec.event.columns.time_zone != "Etc/UTC"
            && self.spec.event.columns.time_zone != "UTC"
        {
            self.refuse(
                "spec.event.columns.timeZone",
                format!(
                    "{engine} takes times without an offset as UTC, not as {}: send times with an offset, and leave this out",
                    self.spec.event.columns.time_zone
                ),
            );
        }
        if let Some(dead_letter) = &self.spec.dead_letter {
            let location = dead_letter.location.clone();
            self.warn(format!(
                "spec.deadLetter: refused readings are gone there; nothing is written to {location}"
            ));
        }
        self.warn(
            "spec.limits: nothing there stops at maxInvalid or maxSensors, and nobody counts what is refused",
        );
    }

    /// Refuses a time that stands in the list of readings, or that no event holds.
    pub fn refuse_time_in_list(&mut self, shape: &Shape, engine: &str) {
        let name = &self.spec.event.columns.time;
        let source = self.time_source();
        let mut formulas = self.plan.judge.formulas.iter();
        if formulas.any(|formula| formula.field == source) {
            let path = format!("spec.event.fields.{name}.expression");
            let message = format!("{engine} takes an event's time from the event: give it a path");
            self.refuse(path, message);
            return;
        }
        if shape.inner.contains(&self.time_source()) {
            let path = format!("spec.event.fields.{name}.path");
            let message = format!(
                "{engine} takes an event's time before it opens the list, so it cannot be in one: send a time beside the list, or each \
                 reading as an event of its own"
            );
            self.refuse(path, message);
        }
    }

    /// The field that holds the reading's time: what a formula without parts copies.
    pub fn time_source(&self) -> usize {
        let time = self.plan.judge.time;
        let formula = self
            .plan
            .judge
            .formulas
            .iter()
            .find(|formula| formula.field == time);
        formula
            .and_then(|formula| formula.of.first().copied())
            .unwrap_or(time)
    }

    pub fn field(&self, place: usize) -> &str {
        self.plan.judge.names.get(place).map_or("", String::as_str)
    }

    pub fn kind(&self, place: usize) -> FieldType {
        self.plan.kinds.get(place).copied().unwrap_or_default()
    }

    /// The columns of a published row, but for its time: names and the fields that they are, keys first.
    pub fn keys(&self) -> Vec<(String, usize)> {
        let names = self.spec.event.columns.keys.keys().cloned();
        names.zip(self.plan.judge.keys.iter().copied()).collect()
    }

    /// A condition in another SQL.
    pub fn condition(&mut self, sql: &Sql<'_>, path: &str, condition: &Condition) -> String {
        let written = sql.condition(condition);
        self.or_refuse(path, written)
    }

    /// The expression of a field in another SQL.
    pub fn formula(&mut self, sql: &Sql<'_>, place: usize, expression: &Expression) -> String {
        let path = format!("spec.event.fields.{}.expression", self.field(place));
        let written = sql.expression(expression);
        self.or_refuse(&path, written)
    }

    /// The comments at the top of the text, each line after `mark`.
    pub fn header(&self, mark: &str, title: &str, differences: &[&str]) -> String {
        let line = |text: &str| format!("{mark} {}\n", fleetscore_crds::visible(text));
        let mut text = line(title);
        text += &line("Where it differs from `fleetscore ingest`:");
        let own = self.warnings.iter().map(String::as_str);
        for difference in differences.iter().copied().chain(own) {
            text += &line(&format!("- {difference}"));
        }
        text
    }
}

/// Where each field is that the body holds.
pub(super) fn places(shape: &Shape) -> Vec<(usize, Place)> {
    let mut found = Vec::new();
    walk(&shape.root, false, &mut Vec::new(), &mut found);
    walk(&shape.item, true, &mut Vec::new(), &mut found);
    found
}

/// The names that lead to the list of readings.
pub(super) fn list(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::List => Some(Vec::new()),
        Node::Value(_) => None,
        Node::Object(members) => members.iter().find_map(|member| {
            let mut names = list(&member.node)?;
            names.insert(0, member.name.clone());
            Some(names)
        }),
    }
}

fn walk(node: &Node, in_item: bool, at: &mut Vec<String>, found: &mut Vec<(usize, Place)>) {
    match node {
        Node::List => {}
        Node::Value(fields) => found.extend(fields.iter().map(|field| {
            let names = at.clone();
            (*field, Place { in_item, names })
        })),
        Node::Object(members) => {
            for member in members {
                at.push(member.name.clone());
                walk(&member.node, in_item, at, found);
                at.pop();
            }
        }
    }
}
