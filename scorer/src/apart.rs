//! Nothing that a run writes may lie where it reads, nor where the next run of the same spec does: what it wrote would be taken for
//! readings, models or sensors, or replace them.

use std::path::Path;

use fleetscore_crds::ScoringRunSpec;
use thiserror::Error;

use crate::location::{Letters, Names, Pattern, Piece, Template, TemplateError};
use crate::outputs;

/// What a run writes beside its predictions; all that is in the folders.
const OWN_FILES: [&str; 10] = [
    outputs::SUCCESS,
    outputs::PLAN,
    outputs::REPORT_JSON,
    outputs::REPORT_HTML,
    outputs::FAILED,
    outputs::SENSORS,
    outputs::RETRIES,
    outputs::LEDGERS,
    outputs::LOGS,
    outputs::OWNERS,
];

/// Why a run must not begin.
#[derive(Debug, Error)]
pub enum ApartError {
    /// A place is both written and read.
    #[error("{field}: {message}")]
    Overlap {
        /// Path of the field to change.
        field: &'static str,
        /// What is written over what, and what to do.
        message: String,
    },
    /// A location has no valid placeholders.
    #[error("{field}: {source}")]
    Template {
        /// Path of the field.
        field: &'static str,
        /// What is wrong.
        source: TemplateError,
    },
}

/// What the runs of a spec write, whatever their windows.
#[derive(Clone, Debug)]
pub struct Written(Vec<Pattern>);

impl Written {
    /// Whether an object is one of these: its URL, with the links in it followed.
    pub fn has(&self, url: String) -> bool {
        let object = Pattern::new(&[Piece::Text(url)]);
        self.0
            .iter()
            .any(|written| written.common(&object).is_some())
    }
}

/// Where something is read.
struct Read {
    field: &'static str,
    /// What is there, in the plural.
    what: &'static str,
    text: String,
    /// All names of it: where the last part of the location is a link, that of its target too.
    names: Vec<Vec<Piece>>,
    /// Whether all objects below it are read.
    is_folder: bool,
}

/// Where something is written.
struct Write {
    field: &'static str,
    /// The field that names the folder.
    folder: &'static str,
    what: &'static str,
    text: String,
    pieces: Vec<Piece>,
}

/// Checks that a run with these names, and any other run of the same spec, writes nothing where it reads, and returns what they write.
/// The names that are absent may be any.
///
/// Links are followed on this machine.
///
/// # Errors
///
/// The first place that is written and read.
pub fn check(spec: &ScoringRunSpec, names: Names<'_>) -> Result<Written, ApartError> {
    let any_window = Names {
        window: None,
        ..names
    };
    if names.window.is_some() {
        check_one(spec, names)?;
    }
    let writes = check_one(spec, any_window)?;
    check_failed_in(spec, names)?;
    let patterns = writes.iter().map(|write| Pattern::new(&write.pieces));
    Ok(Written(patterns.collect()))
}

/// Compares what is read with these names with what is written; returns the latter.
fn check_one(spec: &ScoringRunSpec, names: Names<'_>) -> Result<Vec<Write>, ApartError> {
    let output = output(spec, names)?;
    let writes = writes(spec, names, &output)?;
    for read in &reads(spec, names)? {
        compare(read, spec, &output, &writes)?;
    }
    Ok(writes)
}

fn compare(
    read: &Read,
    spec: &ScoringRunSpec,
    output: &[Piece],
    writes: &[Write],
) -> Result<(), ApartError> {
    for name in &read.names {
        let pattern = pattern(name, read.is_folder);
        for write in writes {
            if let Some(example) = pattern.common(&Pattern::new(&write.pieces)) {
                return Err(overlap(read, write, &example));
            }
        }
        let folder = || self::pattern(output, true);
        if read.is_folder && pattern.common(&folder()).is_some() {
            return Err(encloses(read, &spec.output.location));
        }
    }
    Ok(())
}

/// The list of failed sensors is read from an earlier run's place: this run must not write into it.
fn check_failed_in(spec: &ScoringRunSpec, names: Names<'_>) -> Result<(), ApartError> {
    let Some(failed_in) = &spec.sensors.failed_in else {
        return Ok(());
    };
    let earlier = Names {
        run: &failed_in.run,
        ..names
    };
    let mut list = output(spec, earlier)?;
    if names.run != failed_in.run && list == output(spec, names)? {
        // A retry in place: its own files have a folder of their own.
        return Ok(());
    }
    push(&mut list, outputs::FAILED);
    let list = Pattern::new(&list);
    let mut writes = writes(spec, names, &output(spec, names)?)?.into_iter();
    let Some(write) = writes.find(|write| list.common(&Pattern::new(&write.pieces)).is_some())
    else {
        return Ok(());
    };
    let run = &failed_in.run;
    let (field, message) = if names.run == run {
        let message = format!(
            "`{run}` is this run itself, which would replace its own list of failed sensors; give this run another name, with {{run}} in spec.output.location"
        );
        ("spec.sensors.failedIn.run", message)
    } else {
        let message = format!(
            "this run would write its {} (`{}`) over the list of sensors that failed in run `{run}`; put {{run}} into spec.output.location",
            write.what, write.text
        );
        (write.field, message)
    };
    Err(ApartError::Overlap { field, message })
}

fn overlap(read: &Read, write: &Write, example: &str) -> ApartError {
    let Read {
        field,
        what,
        text,
        is_folder,
        ..
    } = read;
    if *is_folder {
        let message = format!(
            "the run would write its {} (`{}`) into the folder `{text}`, where {field} reads all files as {what}; choose a folder that is not below it",
            write.what, write.text
        );
        return ApartError::Overlap {
            field: write.folder,
            message,
        };
    }
    let example = if example == text {
        String::new()
    } else {
        format!(" (both can be {example})")
    };
    let message = format!(
        "the run would write its {} to `{}`, where {field} reads {what}: `{text}`{example}; choose a folder that holds none of them",
        write.what, write.text
    );
    ApartError::Overlap {
        field: write.field,
        message,
    }
}

fn encloses(read: &Read, output: &str) -> ApartError {
    let Read {
        field, what, text, ..
    } = read;
    ApartError::Overlap {
        field: "spec.output.location",
        message: format!(
            "the folder `{text}`, where {field} reads {what}, would lie within that of the run's own files, `{output}`; choose a folder beside it"
        ),
    }
}

fn reads(spec: &ScoringRunSpec, names: Names<'_>) -> Result<Vec<Read>, ApartError> {
    let mut reads = vec![
        read(
            "spec.input.location",
            "readings",
            &spec.input.location,
            names,
        )?,
        read("spec.model.location", "models", &spec.model.location, names)?,
    ];
    if let Some(scaler) = &spec.model.scaler {
        reads.push(read("spec.model.scaler", "scalers", scaler, names)?);
    }
    if let Some(list) = &spec.sensors.manifest {
        let field = "spec.sensors.manifest";
        reads.push(read(field, "the list of sensors", list, names)?);
    }
    Ok(reads)
}

fn read(
    field: &'static str,
    what: &'static str,
    text: &str,
    names: Names<'_>,
) -> Result<Read, ApartError> {
    let mut pieces = pieces(field, text, names)?;
    if let [Piece::Text(text)] = pieces.as_mut_slice()
        && text.starts_with("az://")
        && text.matches('/').count() == 2
    {
        // A container by itself means all that is in it.
        text.push('/');
    }
    let is_folder = matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with('/'));
    let target = match pieces.as_slice() {
        [Piece::Text(text)] if !is_folder => target(text),
        _ => None,
    };
    let mut all = vec![without_links(pieces)];
    all.extend(target.map(|text| vec![Piece::Text(text)]));
    Ok(Read {
        field,
        what,
        text: text.to_owned(),
        names: all,
        is_folder,
    })
}

/// What a run writes, where `output` is the folder of everything.
fn writes(
    spec: &ScoringRunSpec,
    names: Names<'_>,
    output: &[Piece],
) -> Result<Vec<Write>, ApartError> {
    let field = "spec.output.location";
    let location = &spec.output.location;
    let below = |what, name: &str| {
        let mut pieces = output.to_vec();
        push(&mut pieces, name);
        Write {
            field,
            folder: field,
            what,
            text: format!("{location}{name}"),
            pieces,
        }
    };
    let mut records = Template::parse(location)
        .map_err(|source| ApartError::Template { field, source })?
        .root_pieces(names);
    records.extend([Piece::Word(outputs::RUNS_FOLDER), Piece::Rest]);
    let records = Write {
        field,
        folder: field,
        what: "records of all runs",
        text: location.clone() + " up to its first placeholder, then " + outputs::RUNS_FOLDER,
        pieces: without_links(records),
    };
    // All that lies there is removed when a run begins anew. No key is taken for the folder's name; the files have names of their own.
    let mut own = below("own files", "");
    own.text += outputs::RUN_FOLDER;
    own.pieces
        .extend([Piece::Word(outputs::RUN_FOLDER), Piece::Rest]);
    let mut predictions = folder(field, location, names)?;
    predictions.extend(pieces("spec.output.file", &spec.output.file, names)?);
    let mut writes = vec![
        Write {
            field: "spec.output",
            folder: field,
            what: "predictions",
            text: format!("{location}{}", spec.output.file),
            pieces: without_links(joined(predictions)),
        },
        own,
        records,
    ];
    for name in OWN_FILES {
        let mut own = below("own files", name);
        if name.ends_with('/') {
            own.pieces.push(Piece::Rest);
        }
        writes.push(own);
    }
    if let Some(logs) = &spec.logs {
        let field = "spec.logs.location";
        let mut pieces = without_links(folder(field, &logs.location, names)?);
        pieces.push(Piece::Some(Letters::Segment));
        push(&mut pieces, ".log");
        writes.push(Write {
            field,
            folder: field,
            what: "logs",
            text: logs.location.clone(),
            pieces,
        });
    }
    Ok(writes)
}

/// The folder that everything is written into.
fn output(spec: &ScoringRunSpec, names: Names<'_>) -> Result<Vec<Piece>, ApartError> {
    folder("spec.output.location", &spec.output.location, names).map(without_links)
}

fn folder(field: &'static str, text: &str, names: Names<'_>) -> Result<Vec<Piece>, ApartError> {
    let mut pieces = pieces(field, text, names)?;
    if !matches!(pieces.last(), Some(Piece::Text(text)) if text.ends_with('/')) {
        push(&mut pieces, "/");
    }
    Ok(pieces)
}

fn pieces(field: &'static str, text: &str, names: Names<'_>) -> Result<Vec<Piece>, ApartError> {
    Template::parse(text)
        .map(|template| template.pieces(names))
        .map_err(|source| ApartError::Template { field, source })
}

fn pattern(pieces: &[Piece], is_folder: bool) -> Pattern {
    let mut pieces = pieces.to_vec();
    if is_folder {
        pieces.push(Piece::Rest);
    }
    Pattern::new(&pieces)
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        last.push_str(text);
    } else {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// Adjacent texts as one.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => push(&mut joined, &text),
            piece => joined.push(piece),
        }
    }
    joined
}

/// The same location with the links of its folder followed, as far as the folder has no placeholders and exists.
fn without_links(mut pieces: Vec<Piece>) -> Vec<Piece> {
    if let Some(Piece::Text(text)) = pieces.first_mut()
        && let Some(path) = text.strip_prefix("file://")
        && let Some((folder, name)) = path.rsplit_once('/')
        && let Some(folder) = real_path(Path::new(folder))
    {
        *text = format!("file://{}/{name}", folder.trim_end_matches('/'));
    }
    pieces
}

/// Where the file at the location really is, if it is somewhere else.
fn target(text: &str) -> Option<String> {
    let path = text.strip_prefix("file://")?;
    let real = Path::new(path).canonicalize().ok()?;
    let real = real.to_str().filter(|real| *real != path)?;
    Some(format!("file://{real}"))
}

/// The path without links; what does not exist yet is taken as it is written.
fn real_path(path: &Path) -> Option<String> {
    let (real, missing) = path.ancestors().find_map(|ancestor| {
        let real = ancestor.canonicalize().ok()?;
        Some((real, path.strip_prefix(ancestor).ok()?))
    })?;
    let real = if missing.as_os_str().is_empty() {
        real
    } else {
        real.join(missing)
    };
    real.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
