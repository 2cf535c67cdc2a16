use std::fmt;
use std::path::PathBuf;

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("{}: {reason}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file is too large for a manifest.
    #[error("{}: larger than 4 MiB; put long lists of sensors into a file and name it in spec.sensors.manifest", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// What the file or the overrides hold is not allowed.
    #[error("{}", lines(.source_name, .problems))]
    Invalid {
        /// The file as the user named it.
        source_name: String,
        /// Everything that is wrong, at least one.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// Path of the field, such as `spec.output.location`; empty where no field is to blame.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Where a node of the manifest came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The file, no line known.
    #[default]
    Unknown,
    /// A place in the file, both counted from 1.
    File {
        /// The line.
        line: u64,
        /// The column, in characters.
        column: u64,
    },
    /// An override on the command line, as it was given.
    Set(String),
}

fn lines(source: &str, problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let place = match &problem.place {
            Place::Unknown => source.to_owned(),
            Place::File { line, column } => format!("{source}:{line}:{column}"),
            Place::Set(argument) => format!("--set {argument}"),
        };
        format!("{place}: {problem}")
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => out.write_str(&self.message),
            field => write!(out, "{field}: {}", self.message),
        }
    }
}
