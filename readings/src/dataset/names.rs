//! Which objects of a folder hold readings, by their names.

/// Extensions of files that lie beside readings and are none.
const SIDE_FILES: [&str; 32] = [
    "md",
    "html",
    "htm",
    "pdf",
    "doc",
    "docx",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "py",
    "ipynb",
    "sql",
    "sh",
    "bat",
    "ps1",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "crc",
    "md5",
    "sha256",
    "tmp",
    "temp",
    "partial",
    "inprogress",
    "crdownload",
    "bak",
    "lnk",
];

/// Whether an object of a folder holds readings, by its path below the folder. Hidden names (`_SUCCESS`, `.crc`) do not, nor do
/// names of files that are no data. Folders of partitions such as `_x=1` do, as in Spark.
pub fn is_data(path: &str) -> bool {
    let hidden = |segment: &str| {
        segment.starts_with('.') || (segment.starts_with('_') && !segment.contains('='))
    };
    !path.split('/').any(hidden) && !is_side_file(path.rsplit('/').next().unwrap_or(path))
}

fn is_side_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
    let last = name.rsplit('.').next().unwrap_or_default();
    SIDE_FILES.contains(&last) && name.contains('.')
        || ["thumbs.db", "desktop.ini"].contains(&name.as_str())
        || (["readme", "license", "licence", "notice", "changelog"].contains(&stem)
            && ["", "txt", "rst"].contains(&extension))
        || name.starts_with("~$")
        || name.ends_with('~')
        || name.ends_with("_copying_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_names_and_side_files_are_no_readings() {
        for path in [
            "a.csv",
            "a.csv.gz",
            "part-00000",
            "000000_0",
            "sub/x.parquet",
            "_x=1/part-0.parquet",
            "device=_1/a.csv",
            "readme/a.csv",
            "data.json",
            "a.csv.zip",
            "thumbs.csv",
            "readme.csv",
            "notes/tmp",
            "x.y/_z=1/a",
        ] {
            assert!(is_data(path), "{path}");
        }
        for path in [
            "_SUCCESS",
            "_metadata",
            ".part-0.parquet.crc",
            "_temporary/0/a.csv",
            "x/.hidden/a.csv",
            ".x=1/a.csv",
            "README.md",
            "README",
            "sub/readme.TXT",
            "LICENSE",
            "Thumbs.db",
            "desktop.ini",
            "~$book.csv",
            "a.csv~",
            "a.csv.tmp",
            "a.csv._COPYING_",
        ] {
            assert!(!is_data(path), "{path}");
        }
    }
}
