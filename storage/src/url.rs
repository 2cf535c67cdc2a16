use std::fmt;
use std::str::FromStr;

use object_store::path::Path;

use super::{StorageError, translate};

/// Where an object or a folder of objects is: `az://container/path`, `file:///path` or `memory:///path`.
///
/// The path is taken literally, character by character: nothing is percent-decoded, so `a b`, `100%`, `x=1`, `a#b` and `a+b`
/// are written as they are and `%20` is three characters. What is printed parses to the same location again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectUrl {
    kind: StoreKind,
    container: String,
    path: Path,
    prefix: bool,
}

/// What keeps the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreKind {
    /// Azure Blob Storage, `az://`.
    Azure,
    /// Files, `file://`.
    File,
    /// The memory of this process, `memory://`.
    Memory,
}

impl StoreKind {
    /// The scheme of its URLs, without `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Azure => "az",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        [Self::Azure, Self::File, Self::Memory]
            .into_iter()
            .find(|kind| kind.scheme() == scheme)
    }
}

// Not named: memory, which is for tests.
const FORMS: &str = "write az://container/path or file:///path";

impl ObjectUrl {
    /// Parses a location.
    ///
    /// # Errors
    ///
    /// [`StorageError::InvalidUrl`], which says what to write instead.
    pub fn parse(text: &str) -> Result<Self, StorageError> {
        // What follows a question mark may be a SAS token: it must not get into a message.
        let shown = text.split_once('?').map_or(text, |(before, _)| before);
        let invalid = |reason: String| StorageError::InvalidUrl {
            url: shown.to_owned(),
            reason,
        };
        if text.is_empty() {
            return Err(StorageError::InvalidUrl {
                url: "\"\"".to_owned(),
                reason: format!("it is empty; {FORMS}"),
            });
        }
        let (scheme, rest) = shown
            .split_once("://")
            .ok_or_else(|| invalid(missing_scheme(shown)))?;
        if let Some(advice) = translate(text) {
            return Err(invalid(format!(
                "it is the form of other programs; {advice}"
            )));
        }
        let kind = StoreKind::of_scheme(scheme).ok_or_else(|| invalid(unknown_scheme(scheme)))?;
        if text.contains('?') {
            let reason = "queries are not supported, nor are names with a question mark; credentials belong under storage.azure";
            return Err(invalid(reason.to_owned()));
        }
        let (container, path) = match kind {
            StoreKind::Azure => split_container(rest).map_err(invalid)?,
            StoreKind::File | StoreKind::Memory => ("", absolute(kind, rest).map_err(invalid)?),
        };
        let prefix = path.is_empty() || path.ends_with('/');
        let path = parse_path(kind, path).map_err(invalid)?;
        Ok(Self {
            kind,
            container: container.to_owned(),
            path,
            prefix,
        })
    }

    /// What keeps the object.
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The container; empty but for Azure.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The object's path in its container, or from the root of the file system; without slashes at the ends.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the location ends in `/` and thus means a folder.
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// The last segment of the path; none for a container's root.
    pub fn file_name(&self) -> Option<&str> {
        self.path.filename()
    }

    /// The location as a folder: with `/` at its end.
    #[must_use]
    pub fn as_prefix(&self) -> Self {
        Self {
            prefix: true,
            ..self.clone()
        }
    }

    /// The location `relative` (such as `_run/plan.jsonl`) in this folder.
    ///
    /// # Errors
    ///
    /// [`StorageError::InvalidUrl`] where the result is none.
    pub fn join(&self, relative: &str) -> Result<Self, StorageError> {
        Self::parse(&format!("{}{relative}", self.as_prefix()))
    }

    /// The path from the folder `prefix` to this location; none if it is not in there.
    pub fn relative_to(&self, prefix: &Self) -> Option<&str> {
        let same = self.kind == prefix.kind && self.container == prefix.container;
        let folder = prefix.path.as_ref();
        let rest = self.path.as_ref().strip_prefix(folder).filter(|_| same)?;
        if folder.is_empty() {
            Some(rest)
        } else {
            rest.strip_prefix('/')
        }
    }

    /// The location of an object that a store has listed; names that [`Self::parse`] refuses are possible here.
    pub(super) fn listed(&self, path: Path) -> Self {
        Self {
            path,
            prefix: false,
            ..self.clone()
        }
    }
}

impl FromStr for ObjectUrl {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        Self::parse(text)
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.prefix && !self.path.is_root() {
            "/"
        } else {
            ""
        };
        write!(
            out,
            "{}://{}/{}{end}",
            self.kind.scheme(),
            self.container,
            self.path
        )
    }
}

fn missing_scheme(text: &str) -> String {
    if text.starts_with('/') {
        format!("it has no scheme; write file://{text}")
    } else {
        format!("it has no scheme; {FORMS}")
    }
}

fn unknown_scheme(scheme: &str) -> String {
    match scheme {
        "http" | "https" | "abfs" | "abfss" | "wasb" | "wasbs" | "azure" | "adl" => {
            format!(
                "{scheme} is not supported; write az://container/path and name the account under storage.azure"
            )
        }
        _ => format!("the scheme {scheme:?} is not supported; {FORMS}"),
    }
}

/// Container and path of what follows `az://`.
fn split_container(rest: &str) -> Result<(&str, &str), String> {
    let (container, path) = rest.split_once('/').unwrap_or((rest, ""));
    if container.is_empty() {
        return Err("the container is missing; write az://container/path".to_owned());
    }
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = container.as_bytes();
    let ends = bytes.first().is_some_and(inner) && bytes.last().is_some_and(inner);
    let characters = bytes.iter().all(|byte| inner(byte) || *byte == b'-');
    if (3..=63).contains(&bytes.len()) && ends && characters && !container.contains("--") {
        return Ok((container, path));
    }
    Err(format!(
        "{container:?} cannot name a container: 3 to 63 lower-case letters, digits and single hyphens, a letter or digit at both ends"
    ))
}

/// The path of what follows `file://` or `memory://`.
fn absolute(kind: StoreKind, rest: &str) -> Result<&str, String> {
    let scheme = kind.scheme();
    rest.strip_prefix('/').ok_or_else(|| {
        let path = rest.trim_start_matches("./");
        format!("the path must be absolute, with three slashes; write {scheme}:///{path}, with the folders above it")
    })
}

fn parse_path(kind: StoreKind, text: &str) -> Result<Path, String> {
    if text.starts_with('/') {
        return Err("it has an empty segment (two slashes in a row); leave one slash".to_owned());
    }
    for segment in text.strip_suffix('/').unwrap_or(text).split('/') {
        check_segment(kind, segment, text.is_empty())?;
    }
    if kind == StoreKind::File && is_staged(text) {
        let reason = "a file name that ends in '#' and digits is that of a file being written; give it an extension";
        return Err(reason.to_owned());
    }
    if kind == StoreKind::File && ends_as_drive(text) {
        let reason =
            "a file name that ends in a letter and ':' reads as a drive letter; choose another one";
        return Err(reason.to_owned());
    }
    if kind == StoreKind::Azure && text.len() > 1024 {
        return Err(format!(
            "the path has {} bytes; a blob's name has at most 1024",
            text.len()
        ));
    }
    Path::parse(text).map_err(|error| error.to_string())
}

fn check_segment(kind: StoreKind, segment: &str, root: bool) -> Result<(), String> {
    if segment.is_empty() && !root {
        return Err("it has an empty segment (two slashes in a row); leave one slash".to_owned());
    }
    if segment == "." || segment == ".." {
        return Err(format!(
            "it has a segment {segment:?}; write the path without it"
        ));
    }
    if segment
        .chars()
        .any(|character| character.is_ascii_control())
    {
        return Err(format!(
            "the segment {segment:?} has a control character; remove it"
        ));
    }
    if kind == StoreKind::Azure && (segment.ends_with('.') || segment.contains('\\')) {
        return Err(format!(
            "Azure does not keep the name {segment:?} as it is: no dot at the end, no backslash"
        ));
    }
    if kind == StoreKind::File && is_drive(segment) {
        return Err(format!(
            "the segment {segment:?} reads as a drive letter; choose another name"
        ));
    }
    Ok(())
}

/// Whether a file URL would change the segment: `c|` becomes `c:`.
fn is_drive(segment: &str) -> bool {
    matches!(segment.as_bytes(), [letter, b'|'] if letter.is_ascii_alphabetic())
}

/// Whether a file URL would change the end of the path: `c:` becomes `c:/`.
fn ends_as_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [.., letter, b':'] if letter.is_ascii_alphabetic())
}

/// Whether a file of that name is one that is being written, or was when its writer died: it ends in `#` and digits.
pub(super) fn is_staged(name: &str) -> bool {
    let base = name.trim_end_matches(|character: char| character.is_ascii_digit());
    base.len() < name.len() && base.ends_with('#')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(text: &str) -> String {
        ObjectUrl::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn parses_the_three_kinds() {
        let blob = ObjectUrl::parse("az://models/plant/m_1.pkl").unwrap();
        assert_eq!(
            (blob.kind(), blob.container(), blob.path().as_ref()),
            (StoreKind::Azure, "models", "plant/m_1.pkl")
        );
        assert_eq!(
            (blob.is_prefix(), blob.file_name()),
            (false, Some("m_1.pkl"))
        );
        let file = ObjectUrl::parse("file:///data/my models/").unwrap();
        assert_eq!(
            (file.kind(), file.path().as_ref(), file.is_prefix()),
            (StoreKind::File, "data/my models", true)
        );
        let root = ObjectUrl::parse("az://models").unwrap();
        assert_eq!(
            (
                root.path().as_ref(),
                root.is_prefix(),
                root.to_string().as_str()
            ),
            ("", true, "az://models/")
        );
        assert_eq!(
            ObjectUrl::parse("memory:///a/b").unwrap().kind(),
            StoreKind::Memory
        );
    }

    #[test]
    fn an_invalid_location_is_named_with_the_remedy() {
        for (text, parts) in [
            ("", "is empty; write az://container/path or file:///path"),
            ("/data/models", "write file:///data/models"),
            ("models/a", "it has no scheme; write az://"),
            (
                "s3://bucket/a",
                "the scheme \"s3\" is not supported; write az://container/path or file:///path",
            ),
            (
                "https://example.com/c/p",
                "name the account under storage.azure",
            ),
            (
                "https://a.blob.core.windows.net/c/p",
                "write az://c/p, and storage.azure.account: a",
            ),
            (
                "abfss://c@acc.dfs.core.windows.net/m/",
                "write az://c/m/, and storage.azure.account: acc",
            ),
            ("az://", "the container is missing"),
            ("az:///a", "the container is missing"),
            ("az://Models/a", "\"Models\" cannot name a container"),
            ("az://a--b/x", "cannot name a container"),
            ("az://-models/x", "cannot name a container"),
            ("az://models-/x", "cannot name a container"),
            ("az://ab/x", "cannot name a container"),
            ("az://me@models/a", "cannot name a container"),
            ("file://data/x", "write file:///data/x"),
            ("file://./x", "write file:///x"),
            ("az://models/a/../b", "segment \"..\""),
            ("file:///./b", "segment \".\""),
            ("az://models/a//b", "empty segment"),
            ("az://models//b", "empty segment"),
            ("file:////b", "empty segment"),
            ("file:///", ""),
            ("az://models/a\nb", "control character"),
            ("az://models/a.", "no dot at the end"),
            ("az://models/a\\b", "no backslash"),
            ("file:///data/pump#12", "give it an extension"),
            ("file:///C|/x", "drive letter"),
            ("file:///data/unit:", "drive letter"),
            ("file:///data/unit:/", ""),
        ] {
            if parts.is_empty() {
                assert!(ObjectUrl::parse(text).is_ok(), "{text}");
                continue;
            }
            let message = reason(text);
            assert!(message.contains(parts), "{text}: {message}");
            assert!(
                message.starts_with(if text.is_empty() { "\"\"" } else { text }),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn names_of_blobs_have_1024_bytes_at_most() {
        let path = |bytes: usize| "ä/".repeat(bytes / 3) + &"x".repeat(bytes % 3);
        assert!(ObjectUrl::parse(&format!("az://models/{}", path(1024))).is_ok());
        let long = path(1025);
        let message = reason(&format!("az://models/{long}"));
        assert!(
            message.contains("has 1025 bytes; a blob's name has at most 1024"),
            "{message}"
        );
        assert!(ObjectUrl::parse(&format!("file:///{long}")).is_ok());
    }

    /// What is staged is removed, sooner or later.
    #[test]
    fn only_a_number_after_a_hash_is_staged() {
        for (name, staged) in [
            ("a.csv#1", true),
            ("a#12", true),
            ("#3", true),
            ("a1", false),
            ("a#", false),
            ("a#1b", false),
            ("a#1.csv", false),
            ("1", false),
        ] {
            assert_eq!(is_staged(name), staged, "{name}");
        }
    }

    #[test]
    fn a_sas_token_in_a_location_is_not_repeated() {
        for text in [
            "az://models/a?sv=2024&sig=s3cr3t",
            "https://x.blob.core.windows.net/c?sig=s3cr3t",
            "a?sig=s3cr3t",
            "/models/a?sig=s3cr3t",
            "a?sig=s3cr3t&next=b://c",
        ] {
            let error = ObjectUrl::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
        }
        assert!(reason("az://models/a?sig=x").contains("queries are not supported"));
    }

    #[test]
    fn joins_and_relates() {
        let out = ObjectUrl::parse("az://predictions/plant").unwrap();
        let plan = out.join("_run/plan.jsonl").unwrap();
        assert_eq!(plan.to_string(), "az://predictions/plant/_run/plan.jsonl");
        assert_eq!(plan.relative_to(&out), Some("_run/plan.jsonl"));
        assert_eq!(
            plan.relative_to(&ObjectUrl::parse("az://predictions/").unwrap()),
            Some("plant/_run/plan.jsonl")
        );
        assert_eq!(
            plan.relative_to(&ObjectUrl::parse("az://predictions/pl").unwrap()),
            None
        );
        assert_eq!(
            plan.relative_to(&ObjectUrl::parse("az://models/plant").unwrap()),
            None
        );
        assert!(out.join("../x").is_err());
        assert!(out.join("/x").is_err());
    }

    proptest! {
        #[test]
        fn any_text_parses_or_not_without_panic(text in any::<String>(), rest in "(az|file|memory)://[a-c/.#?%|\\\\ ]{0,12}") {
            let _ = ObjectUrl::parse(&text);
            if let Ok(url) = ObjectUrl::parse(&rest) {
                prop_assert_eq!(ObjectUrl::parse(&url.to_string()).unwrap(), url);
            }
        }

        #[test]
        fn names_are_literal_and_round_trip(segments in prop::collection::vec("[^/?\\\\\\pC]{0,8}[^/?\\\\.\\pC0-9|:]", 1..4), folder: bool) {
            let path = segments.join("/");
            let end = if folder { "/" } else { "" };
            for start in ["az://models/", "file:///", "memory:///"] {
                let text = format!("{start}{path}{end}");
                let url = ObjectUrl::parse(&text).unwrap();
                prop_assert_eq!(url.path().as_ref(), path.as_str());
                prop_assert_eq!(url.is_prefix(), folder);
                prop_assert_eq!(url.to_string(), text);
            }
        }
    }
}
