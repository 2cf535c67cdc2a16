//! Folders whose files are those of a table, by its marks.

use std::path::Path;

use fleetscore_storage::{ObjectUrl, Storage, StorageError};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};

/// Folders that are looked into for marks at the same time.
const FOLDERS: usize = 4;

/// Objects of a folder that are looked at for the mark of a table.
const LOOKED_AT: usize = 1000;

/// The folders that mark a table, with the names that files in them have, and whose table it is.
const MARKS: [(&str, fn(&str) -> bool, &str); 6] = [
    ("_delta_log", any_name, "a Delta Lake table"),
    (".hoodie", any_name, "an Apache Hudi table"),
    ("metadata", is_iceberg, "an Apache Iceberg table"),
    ("snapshot", is_paimon, "an Apache Paimon table"),
    ("_spark_metadata", any_name, "the output of a Spark stream"),
    ("_stream", is_stream, STREAM),
];

/// What the folder of a stream is.
const STREAM: &str = "the output of a ReadingStream";

fn is_stream(name: &str) -> bool {
    name == "stream.json"
}

fn any_name(_: &str) -> bool {
    true
}

fn is_iceberg(name: &str) -> bool {
    name.contains(".metadata.json")
}

fn is_paimon(name: &str) -> bool {
    name.strip_prefix("snapshot-")
        .is_some_and(|number| number.parse::<u64>().is_ok())
}

/// A folder whose files are those of a table: which of them count is in a log, so they are not to be read one by one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{folder} is {kind}: its folder also holds files that were replaced or deleted, so it is not read as a folder of readings; {}",
    self.remedy()
)]
pub struct Table {
    /// The folder.
    pub folder: String,
    /// Whose table it is.
    pub kind: &'static str,
}

impl Table {
    /// Whether it is the output location of a stream, which can be read as such.
    pub fn is_stream(&self) -> bool {
        self.kind == STREAM
    }

    fn remedy(&self) -> String {
        if self.is_stream() {
            return format!(
                "read it as a stream: location {}, format: Stream",
                self.folder
            );
        }
        "export what is wanted to CSV or Parquet files outside of it, or name one file in spec.input.location".to_owned()
    }

    /// The table of which a local folder, or one above it, has the mark.
    pub fn above(folder: &Path) -> Option<Self> {
        let folder = std::path::absolute(folder).ok()?;
        folder.ancestors().find_map(|folder| {
            Some(Self {
                folder: format!("{}/", folder.display()),
                kind: kind_in(folder)?,
            })
        })
    }

    /// The table that an object belongs to, going by its URL or path.
    pub fn of(url: &str) -> Option<Self> {
        let (before, name) = url.rsplit_once('/')?;
        let starts = before.char_indices().filter(|(_, letter)| *letter == '/');
        for (slash, _) in starts {
            let folder = before.get(slash + 1..)?;
            let (segment, inner) = folder.split_once('/').unwrap_or((folder, ""));
            let marked = MARKS.iter().find(|(mark, is_its, _)| {
                let direct = inner.is_empty() || mark.starts_with(['_', '.']);
                *mark == segment && direct && is_its(name)
            });
            let kind = marked
                .map(|(.., kind)| *kind)
                .or_else(|| is_hive(segment).then_some("a Hive table with transactions"));
            if let Some(kind) = kind {
                let folder = url.get(..=slash)?.to_owned();
                return Some(Self { folder, kind });
            }
        }
        None
    }
}

/// Whose table's mark a local folder has. One that may not be looked into is none of ours.
fn kind_in(folder: &Path) -> Option<&'static str> {
    let has = |(mark, is_its, _): &&(&str, fn(&str) -> bool, &str)| {
        let names = std::fs::read_dir(folder.join(mark));
        let mut names = names.into_iter().flatten().flatten();
        names.any(|entry| entry.file_name().to_str().is_some_and(is_its))
    };
    MARKS.iter().find(has).map(|(.., kind)| *kind)
}

/// A folder of a Hive table with transactions: `base_0000005`, `delta_0000006_0000006_0000`.
fn is_hive(segment: &str) -> bool {
    let numbers = ["base_", "delta_", "delete_delta_"]
        .iter()
        .find_map(|kind| segment.strip_prefix(kind));
    numbers.is_some_and(|numbers| {
        let mut numbers = numbers.split('_');
        numbers
            .next()
            .is_some_and(|first| first.len() == 7 && is_number(first))
            && numbers.all(|number| is_number(number.trim_start_matches('v')))
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The table that has its mark in `folder`, or in a folder above it.
pub async fn table_above(
    storage: &Storage,
    folder: &ObjectUrl,
) -> Result<Option<Table>, StorageError> {
    marked_in(storage, folders(&folder.to_string())).await
}

/// The table that has its mark in a folder between `top` and `bottom`, both left out.
pub async fn table_between(
    storage: &Storage,
    bottom: &ObjectUrl,
    top: Option<&ObjectUrl>,
) -> Result<Option<Table>, StorageError> {
    let (url, top) = (
        bottom.to_string(),
        top.map_or(0, |top| top.to_string().len()),
    );
    let between = folders(&url).filter(|folder| (top + 1..url.len()).contains(&folder.len()));
    marked_in(storage, between).await
}

/// A folder's URL and those above it, from the store's root down.
fn folders(url: &str) -> impl Iterator<Item = &str> {
    let root = url.find("://").map_or(0, |at| at + 3);
    let slashes = url.match_indices('/').map(|(at, _)| at);
    slashes
        .filter(move |at| *at >= root)
        .filter_map(|at| url.get(..=at))
}

/// The table that has its mark in one of the folders.
async fn marked_in<'a>(
    storage: &Storage,
    folders: impl Iterator<Item = &'a str>,
) -> Result<Option<Table>, StorageError> {
    let folders: Vec<String> = folders.map(str::to_owned).collect();
    let looks = folders.into_iter().map(|folder| async move {
        let kind = kind_of(storage, &folder).await?;
        Ok::<_, StorageError>(kind.map(|kind| Table { folder, kind }))
    });
    let looks = stream::iter(looks).buffered(FOLDERS);
    let found: Vec<Option<Table>> = looks.try_collect().await?;
    Ok(found.into_iter().flatten().next())
}

/// Whose table's mark a folder has.
async fn kind_of(storage: &Storage, folder: &str) -> Result<Option<&'static str>, StorageError> {
    let url = ObjectUrl::parse(folder)?;
    if let Some(path) = storage.local_file(&url) {
        let look = move |_: &ObjectUrl| Ok(kind_in(&path));
        return storage.with_file(&url, look).await;
    }
    let looks = MARKS.iter().map(|(mark, is_its, kind)| async move {
        let place = ObjectUrl::parse(&format!("{folder}{mark}/"))?;
        let found = has_object(storage, &place, *is_its).await?;
        Ok::<_, StorageError>(found.then_some(*kind))
    });
    let found = try_join_all(looks).await?;
    Ok(found.into_iter().flatten().next())
}

/// Whether a folder has an object of such a name. One that may not be looked into is none of ours.
async fn has_object(
    storage: &Storage,
    folder: &ObjectUrl,
    is_its: fn(&str) -> bool,
) -> Result<bool, StorageError> {
    let mut objects = storage.list(folder).take(LOOKED_AT);
    while let Some(object) = objects.next().await {
        match object {
            Ok(object) if object.url.file_name().is_some_and(is_its) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.is_temporary() => return Err(error),
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_by_their_marks() {
        for (url, kind, folder) in [
            ("az://lake/t/_delta_log/00000.json", "Delta", "az://lake/t/"),
            (
                "az://lake/_delta_log/_sidecars/a.parquet",
                "Delta",
                "az://lake/",
            ),
            (
                "file:///d/t/metadata/v1.metadata.json",
                "Iceberg",
                "file:///d/t/",
            ),
            (
                "file:///d/t/metadata/00001-ab.gz.metadata.json",
                "Iceberg",
                "file:///d/t/",
            ),
            (
                "az://lake/t/.hoodie/hoodie.properties",
                "Hudi",
                "az://lake/t/",
            ),
            ("az://lake/t/snapshot/snapshot-12", "Paimon", "az://lake/t/"),
            (
                "az://lake/t/_spark_metadata/0",
                "Spark stream",
                "az://lake/t/",
            ),
            (
                "az://lake/t/delta_0000006_0000006_0000/000000_0",
                "Hive",
                "az://lake/t/",
            ),
            (
                "az://lake/t/p=1/base_0000005/000000_0",
                "Hive",
                "az://lake/t/p=1/",
            ),
        ] {
            let table = Table::of(url).unwrap_or_else(|| panic!("{url}"));
            assert!(table.kind.contains(kind), "{url}: {table}");
            assert_eq!(table.folder, folder, "{url}");
        }
        for url in [
            "az://lake/t/part-0.parquet",
            "az://lake/metadata/readings.csv",
            "az://lake/metadata/deep/x.metadata.json",
            "az://lake/base_1/a.csv",
            "az://lake/delta_station/a.csv",
            "az://lake/base_0000005_/a.csv",
            "az://lake/base_0000005_north/a.csv",
            "az://lake/delta_log/a.csv",
            "az://lake/snapshot/a.csv",
        ] {
            assert_eq!(Table::of(url), None, "{url}");
        }
    }
}
