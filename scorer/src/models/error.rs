use fleetscore_crds::ModelFormat;

/// Why a model cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The first bytes are those of no supported format.
    #[error(
        "unknown model format: the file starts with {start}{way_out}; supported are scikit-learn pickles and joblib files, skops, XGBoost, LightGBM, ONNX, libsvm text and fleetscore's own format"
    )]
    UnknownFormat {
        /// The first bytes, readable.
        start: String,
        /// What it seems to be and what to do, where that can be told.
        way_out: String,
    },
    /// A well-formed file, but of something that this program cannot score.
    #[error("unsupported model: {0}")]
    Unsupported(String),
    /// The file asks for a Python class or function outside the closed list.
    #[error(
        "refused: the file asks for the Python object `{global}` at byte {offset}{place}; {hint}"
    )]
    ForbiddenGlobal {
        /// Module and name, joined by a dot.
        global: String,
        /// Where in the (decompressed) file.
        offset: usize,
        /// What for, where that is known.
        place: String,
        /// What that means and the way out.
        hint: String,
    },
    /// The bytes break the rules of their format.
    #[error("malformed {format} file: {problem}")]
    Malformed {
        /// The format, such as `pickle`.
        format: &'static str,
        /// What is wrong, and at which byte or line.
        problem: String,
    },
    /// Larger than any model this program will hold in memory.
    #[error("model too large: {what} exceeds the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// Reading it takes more memory than it may take.
    #[error(
        "reading it takes {} of memory or more, and it may take {}: allow more memory, save the model without compression, or train a \
         smaller one", mib(*needed), mib(*allowed)
    )]
    TooMuchMemory {
        /// Bytes at least.
        needed: usize,
        /// Bytes at most.
        allowed: usize,
    },
    /// Whoever asked for the model does not want it any longer.
    #[error("the reading was stopped")]
    Stopped,
    /// Read well, but the numbers make no model: shapes differ, or a number is not finite.
    #[error("invalid model: {0}")]
    Invalid(String),
    /// A detector without a border of its own, and the run gives it none.
    #[error("{0}")]
    NoBorder(String),
    /// The format cannot hold this model.
    #[error("cannot write the model as {format:?}: {problem}")]
    Unwritable {
        /// The format asked for.
        format: ModelFormat,
        /// What it cannot hold, and the way out.
        problem: String,
    },
}

impl ModelError {
    /// Numbers that make no model; `problem` says why.
    pub(super) fn unfit(problem: impl std::fmt::Display) -> Self {
        Self::Invalid(format!(
            "{problem}; train the model again, or save it as it was fitted"
        ))
    }

    /// The variant's name: what metrics and ledgers group by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownFormat { .. } => "UnknownFormat",
            Self::Unsupported(_) => "Unsupported",
            Self::ForbiddenGlobal { .. } => "ForbiddenGlobal",
            Self::Malformed { .. } => "Malformed",
            Self::TooLarge { .. } => "TooLarge",
            Self::TooMuchMemory { .. } => "TooMuchMemory",
            Self::Stopped => "Stopped",
            Self::Invalid(_) => "Invalid",
            Self::NoBorder(_) => "NoBorder",
            Self::Unwritable { .. } => "Unwritable",
        }
    }
}

/// Bytes for messages, rounded up.
fn mib(bytes: usize) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
