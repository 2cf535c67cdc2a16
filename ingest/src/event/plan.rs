use std::collections::BTreeMap;

use fleetscore_crds::{EventFormat, EventSpec, FieldType};
use fleetscore_readings::TimeParser;

use super::SpecError;
use super::columns::Columns;
use super::judge::{Formula, Judge, Unpivoted};
use super::meta::Meta;
use super::shape::Shape;
use crate::expression::{self, KnownField};

/// What a manifest says of events, checked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub kinds: Vec<FieldType>,
    pub times: TimeParser,
    /// What of the message, beside its body, fields hold.
    pub meta: Vec<(usize, Meta)>,
    pub(super) format: Format,
    pub judge: Judge,
}

/// How a body is read.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Json(Shape),
    Csv(Columns),
    Avro(super::avro::Avro),
}

/// What is known while a plan is made.
struct Planner<'s> {
    spec: &'s EventSpec,
    names: Vec<&'s str>,
    kinds: Vec<FieldType>,
    faults: Vec<SpecError>,
}

impl Plan {
    /// The tree of wanted parts, where events are JSON.
    pub fn shape(&self) -> Option<&Shape> {
        match &self.format {
            Format::Json(shape) => Some(shape),
            Format::Csv(_) | Format::Avro(_) => None,
        }
    }

    /// Checks all that the manifest says of events.
    pub fn new(spec: &EventSpec, filter: Option<&str>) -> Result<Self, Vec<SpecError>> {
        let mut planner = Planner {
            spec,
            names: spec.fields.keys().map(String::as_str).collect(),
            kinds: spec.fields.values().map(|field| field.kind).collect(),
            faults: Vec::new(),
        };
        let unpivot = planner.unpivot();
        let (formulas, late) = planner.formulas(unpivot.as_ref());
        if let Some(unpivot) = &unpivot {
            planner.check_unpivot(unpivot, &late);
        }
        let (meta, body) = planner.paths();
        let format = planner.format(body);
        let judge = Judge {
            names: planner
                .names
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            time: planner.column("time", &spec.columns.time, FieldType::Time),
            keys: (spec.columns.keys.iter())
                .map(|(key, field)| planner.column(&format!("keys.{key}"), field, FieldType::Text))
                .collect(),
            features: (spec.columns.features.iter().enumerate())
                .map(|(at, field)| {
                    planner.column(&format!("features[{at}]"), field, FieldType::Number)
                })
                .collect(),
            formulas,
            unpivot: unpivot.map(|unpivot| Unpivoted {
                formulas: late,
                ..unpivot
            }),
            filter: filter.and_then(|filter| planner.filter(filter)),
        };
        let times = TimeParser::new(&spec.columns.time_zone);
        let times =
            times.map_err(|error| planner.fault("spec.event.columns.timeZone", error.to_string()));
        match (format, times) {
            (Some(format), Ok(times)) if planner.faults.is_empty() => Ok(Self {
                kinds: planner.kinds,
                times,
                meta,
                format,
                judge,
            }),
            _ => Err(planner.faults),
        }
    }
}

impl<'s> Planner<'s> {
    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(SpecError::new(path, message));
    }

    fn known(&self, place: usize) -> Option<KnownField<'s>> {
        Some(KnownField {
            name: self.names.get(place)?,
            kind: *self.kinds.get(place)?,
            place,
        })
    }

    /// The place of a field that must be of a type; one that no field has where there is none, which is a fault.
    fn column(&mut self, of: &str, name: &str, kind: FieldType) -> usize {
        let path = format!("spec.event.columns.{of}");
        self.typed(&path, name, kind)
    }

    fn typed(&mut self, path: &str, name: &str, kind: FieldType) -> usize {
        let Some(place) = self.names.iter().position(|other| *other == name) else {
            let names = self.names.join(", ");
            self.fault(
                path,
                format!("there is no field {name:?} (there are {names})"),
            );
            return usize::MAX;
        };
        let found = self.kinds.get(place).copied().unwrap_or_default();
        if found != kind {
            let message =
                format!("the field {name:?} is a {found:?}; this must be one with type: {kind:?}");
            self.fault(path, message);
        }
        place
    }

    /// Adds the fields that `unpivot` makes.
    fn unpivot(&mut self) -> Option<Unpivoted> {
        let unpivot = self.spec.unpivot.as_ref()?;
        let fields = (unpivot.fields.iter().enumerate())
            .map(|(at, name)| {
                self.typed(
                    &format!("spec.event.unpivot.fields[{at}]"),
                    name,
                    FieldType::Number,
                )
            })
            .collect();
        let mut add = |what: &str, name: &'s str, kind| {
            if self.names.contains(&name) {
                let message =
                    format!("there is a field {name:?} already; give this one another name");
                self.fault(format!("spec.event.unpivot.{what}"), message);
            }
            self.names.push(name);
            self.kinds.push(kind);
            self.names.len() - 1
        };
        Some(Unpivoted {
            key: add("key", &unpivot.key, FieldType::Text),
            value: add("value", &unpivot.value, FieldType::Number),
            fields,
            formulas: Vec::new(),
        })
    }

    /// A listed field is not made of what it makes, and is listed once.
    fn check_unpivot(&mut self, unpivot: &Unpivoted, late: &[Formula]) {
        for (at, field) in unpivot.fields.iter().enumerate() {
            let path = format!("spec.event.unpivot.fields[{at}]");
            let Some(name) = self.names.get(*field).copied() else {
                continue;
            };
            if late.iter().any(|formula| formula.field == *field) {
                let message = format!(
                    "the expression of {name:?} speaks of what this makes: it cannot be listed here"
                );
                self.fault(path, message);
            } else if unpivot.fields.iter().take(at).any(|other| other == field) {
                self.fault(path, format!("{name:?} is listed twice"));
            }
        }
    }

    /// The fields that are reckoned: once for a row, and for each reading that is made of it.
    fn formulas(&mut self, unpivot: Option<&Unpivoted>) -> (Vec<Formula>, Vec<Formula>) {
        let made: Vec<_> =
            unpivot.map_or_else(Vec::new, |unpivot| vec![unpivot.key, unpivot.value]);
        let with_path = (self.spec.fields.values().enumerate())
            .filter(|(_, field)| field.expression.is_none())
            .map(|(place, _)| place);
        let known: Vec<_> = with_path
            .chain(made.iter().copied())
            .filter_map(|place| self.known(place))
            .collect();
        let mut formulas = Vec::new();
        for (place, (name, field)) in self.spec.fields.iter().enumerate() {
            let Some(text) = &field.expression else {
                continue;
            };
            match expression::compile(text, field.kind, &known) {
                Ok(expression) => {
                    let mut of = Vec::new();
                    expression.fields(&mut of);
                    formulas.push(Formula {
                        field: place,
                        expression,
                        of,
                    });
                }
                Err(error) => self.fault(
                    format!("spec.event.fields.{name}.expression"),
                    error.to_string(),
                ),
            }
        }
        formulas
            .into_iter()
            .partition(|formula| !formula.of.iter().any(|of| made.contains(of)))
    }

    fn filter(&mut self, text: &str) -> Option<expression::Condition> {
        let known: Vec<_> = (0..self.names.len())
            .filter_map(|place| self.known(place))
            .collect();
        let condition = expression::condition(text, &known);
        condition
            .map_err(|error| self.fault("spec.filter", error.to_string()))
            .ok()
    }

    /// Which fields come from where: from beside the body, or by a path from it.
    fn paths(&mut self) -> (Vec<(usize, Meta)>, BTreeMap<usize, &'s str>) {
        let (mut metas, mut body) = (Vec::new(), BTreeMap::new());
        for (place, (name, field)) in self.spec.fields.iter().enumerate() {
            if field.expression.is_some() {
                continue;
            }
            let path = field.path.as_deref().unwrap_or(name);
            if !path.starts_with('@') {
                body.insert(place, path);
                continue;
            }
            match Meta::of(path) {
                Ok(Meta::EnqueuedTime)
                    if !matches!(field.kind, FieldType::Time | FieldType::Text) =>
                {
                    let message = format!("{path:?} is a time: give the field type: Time");
                    self.fault(format!("spec.event.fields.{name}.type"), message);
                }
                Ok(meta) => metas.push((place, meta)),
                Err(message) => self.fault(format!("spec.event.fields.{name}.path"), message),
            }
        }
        (metas, body)
    }

    fn format(&mut self, body: BTreeMap<usize, &'s str>) -> Option<Format> {
        let spec = self.spec;
        if spec.format != EventFormat::Csv && !spec.header.is_empty() {
            self.fault(
                "spec.event.header",
                "only events with format: Csv have columns",
            );
        }
        if spec.format != EventFormat::Avro && spec.schema.is_some() {
            self.fault(
                "spec.event.schema",
                "only events with format: Avro have a schema",
            );
        }
        if spec.format == EventFormat::Csv {
            self.check_header(&body);
            return Some(Format::Csv(Columns::new(&spec.header, body)));
        }
        let shape = Shape::new(body).map_err(|faults| {
            for fault in faults {
                let name = self.names.get(fault.field).copied().unwrap_or_default();
                self.fault(format!("spec.event.fields.{name}.path"), fault.message);
            }
        });
        let shape = shape.ok()?;
        if spec.format == EventFormat::Json {
            return Some(Format::Json(shape));
        }
        let avro = super::avro::Avro::new(shape, spec.schema.as_deref());
        let avro = avro.map_err(|message| self.fault("spec.event.schema", message));
        avro.ok().map(Format::Avro)
    }

    /// With names of columns in the manifest, each wanted one is among them once.
    fn check_header(&mut self, body: &BTreeMap<usize, &'s str>) {
        let header = &self.spec.header;
        for (place, column) in body {
            let path = format!(
                "spec.event.fields.{}.path",
                self.names.get(*place).copied().unwrap_or_default()
            );
            let count = header.iter().filter(|name| name == column).count();
            if !header.is_empty() && count == 0 {
                self.fault(
                    path,
                    format!(
                        "spec.event.header has no column {column:?} (it has {})",
                        header.join(", ")
                    ),
                );
            } else if count > 1 {
                self.fault(
                    path,
                    format!("spec.event.header has the column {column:?} twice"),
                );
            }
        }
    }
}
