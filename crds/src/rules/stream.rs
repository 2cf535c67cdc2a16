//! Rules of a stream as a whole, of its windows and of where its readings go.

use serde_json::Value;

use super::subject::{all, any, not};
use super::{Answer, Rule, Subject, rule};

/// The most intervals of hopSeconds that a window is made of. Memory and the time that closing takes grow with it.
const HOPS: u64 = 1440;

/// Rules of a stream's spec.
pub fn stream() -> Vec<Rule> {
    let mut rules = vec![azure_needed(), apart(), one_writer(), whole_windows()];
    rules.extend(aggregation());
    rules.extend(column_names());
    rules
}

fn azure_needed() -> Rule {
    let dead = "(has(self.deadLetter) && self.deadLetter.location.startsWith('az://'))";
    rule(
        format!("has(self.storage.azure) || !(self.output.location.startsWith('az://') || {dead})"),
        |stream| {
            let azure = |field| Some(stream.text_at(field)?.starts_with("az://"));
            let needed = any([
                azure("output.location"),
                all([stream.has("deadLetter"), azure("deadLetter.location")]),
            ]);
            any([stream.has("storage.azure"), not(needed)])
        },
        "az:// locations need the storage account; set spec.storage.azure",
        ".storage",
    )
}

fn apart() -> Rule {
    rule(
        "!has(self.deadLetter) || !(self.deadLetter.location.startsWith(self.output.location) || \
         self.output.location.startsWith(self.deadLetter.location))",
        |stream| {
            let beside = || {
                let dead = stream.text_at("deadLetter.location")?;
                let output = stream.text_at("output.location")?;
                Some(!dead.starts_with(output) && !output.starts_with(dead))
            };
            any([not(stream.has("deadLetter")), beside()])
        },
        "refused readings would lie among the stream's readings; choose a folder beside output.location",
        ".deadLetter.location",
    )
}

fn one_writer() -> Rule {
    rule(
        "!self.output.location.startsWith('file://') || self.replicas <= 1",
        |stream| {
            let local = || Some(stream.text_at("output.location")?.starts_with("file://"));
            let single = stream.number_at("replicas").map(|replicas| replicas <= 1);
            any([not(local()), single])
        },
        "one process alone writes to files; set replicas to 1, or output.location to a container",
        ".replicas",
    )
}

fn whole_windows() -> Rule {
    rule(
        "!has(self.window) || \
         self.output.segmentSeconds % (has(self.window.hopSeconds) ? self.window.hopSeconds : self.window.sizeSeconds) == 0",
        |stream| {
            let fits = || {
                let window = stream.at("window")?;
                let step = if window.has("hopSeconds")? {
                    "hopSeconds"
                } else {
                    "sizeSeconds"
                };
                let step = window.number_at(step)?;
                divides(step, stream.number_at("output.segmentSeconds")?)
            };
            any([not(stream.has("window")), fits()])
        },
        "windows begin where segments begin: sizeSeconds, or hopSeconds where there is one, must divide output.segmentSeconds",
        ".window",
    )
}

/// Whether `part` divides `whole`.
fn divides(part: u64, whole: u64) -> Answer {
    Some(whole.checked_rem(part)? == 0)
}

/// Rules of a window.
pub fn stream_window() -> Vec<Rule> {
    vec![
        rule(
            "!has(self.hopSeconds) || self.sizeSeconds % self.hopSeconds == 0",
            |window| {
                let fits = || {
                    divides(
                        window.number_at("hopSeconds")?,
                        window.number_at("sizeSeconds")?,
                    )
                };
                any([not(window.has("hopSeconds")), fits()])
            },
            "must divide sizeSeconds",
            ".hopSeconds",
        ),
        rule(
            format!("!has(self.hopSeconds) || self.sizeSeconds / self.hopSeconds <= {HOPS}"),
            |window| {
                let few = || {
                    let size = window.number_at("sizeSeconds")?;
                    Some(size.checked_div(window.number_at("hopSeconds")?)? <= HOPS)
                };
                any([not(window.has("hopSeconds")), few()])
            },
            "each window is made of sizeSeconds / hopSeconds intervals, which may be 1440 at most: a day by minutes; set a larger hopSeconds",
            ".hopSeconds",
        ),
    ]
}

/// Rules of where the readings go.
pub fn stream_output() -> Vec<Rule> {
    vec![rule(
        "self.segmentSeconds % 60 == 0 && 86400 % self.segmentSeconds == 0",
        |output| {
            let segment = output.number_at("segmentSeconds")?;
            all([divides(60, segment), divides(segment, 86_400)])
        },
        "segments are whole minutes, and a day holds whole segments: 60, 300, 900, 1800, 3600, 7200, 86400 and the like",
        ".segmentSeconds",
    )]
}

fn aggregation() -> [Rule; 2] {
    [
        rule(
            "has(self.window) == has(self.aggregates)",
            |stream| Some(stream.has("window")? == stream.has("aggregates")?),
            "window and aggregates belong together: set both, or neither and readings stay as they are",
            ".aggregates",
        ),
        rule(
            "!has(self.aggregates) || self.aggregates.all(a, a.of in self.event.columns.features)",
            |stream| {
                let known = || {
                    let features = stream.at("event.columns.features")?.list()?;
                    let of = |one: &Value| Some(features.contains(one.get("of")?));
                    all(stream.at("aggregates")?.list()?.iter().map(of))
                };
                any([not(stream.has("aggregates")), known()])
            },
            "an aggregate's `of` must be one of event.columns.features",
            ".aggregates",
        ),
    ]
}

/// Rules of the list of aggregates.
pub fn aggregates() -> Vec<Rule> {
    vec![rule(
        "self.all(a, self.exists_one(b, b.column == a.column))",
        |aggregates| {
            let columns = aggregates.list()?.iter().map(|one| one.get("column"));
            let columns = columns.collect::<Option<Vec<_>>>()?;
            let once = |column| columns.iter().filter(|other| *other == column).count() == 1;
            Some(columns.iter().all(once))
        },
        "must not make a column twice",
        "",
    )]
}

/// The columns of the stored readings are the time, the keys, and the aggregates or features: none twice.
fn column_names() -> [Rule; 3] {
    [
        rule(
            "!(self.output.timeColumn in self.event.columns.keys)",
            |stream| {
                let keys = stream.at("event.columns.keys")?.map()?;
                Some(!keys.contains_key(stream.text_at("output.timeColumn")?))
            },
            "must not be the name of a key; choose another one",
            ".output.timeColumn",
        ),
        rule(
            "!has(self.aggregates) || \
             self.aggregates.all(a, a.column != self.output.timeColumn && !(a.column in self.event.columns.keys))",
            |stream| {
                let free = || {
                    let columns = stream.at("aggregates")?.list()?.iter();
                    all(columns.map(|one| is_free(stream, one.get("column")?)))
                };
                any([not(stream.has("aggregates")), free()])
            },
            "an aggregate's column must be neither output.timeColumn nor the name of a key; choose another one",
            ".aggregates",
        ),
        rule(
            "has(self.window) || \
             self.event.columns.features.all(f, f != self.output.timeColumn && !(f in self.event.columns.keys))",
            |stream| {
                let free = || {
                    let features = stream.at("event.columns.features")?.list()?.iter();
                    all(features.map(|name| is_free(stream, name)))
                };
                any([stream.has("window"), free()])
            },
            "without a window a feature's column has its name, which must be neither output.timeColumn nor the name of a key; rename the field",
            ".event.columns.features",
        ),
    ]
}

/// Whether a column's name is neither that of the time nor of a key.
fn is_free(stream: Subject<'_>, column: &Value) -> Answer {
    let column = column.as_str()?;
    let keys = stream.at("event.columns.keys").and_then(Subject::map);
    let time = stream.text_at("output.timeColumn");
    all([
        time.map(|time| time != column),
        keys.map(|keys| !keys.contains_key(column)),
    ])
}
