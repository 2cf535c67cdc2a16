use fleetscore_crds::ReadingFormat;

use super::{ObjectSource, Result, kind};

/// The format to read `object` in: as asked for, else by its extension, else by its first bytes.
pub(super) fn detect(object: &ObjectSource, asked: ReadingFormat) -> Result<ReadingFormat> {
    if asked != ReadingFormat::Auto {
        return Ok(asked);
    }
    if let Some(format) = format_of_name(object.name()) {
        return Ok(format);
    }
    let head = object.range(0..object.size().min(4))?;
    Ok(
        if head == kind::PARQUET || head == kind::ENCRYPTED_PARQUET {
            ReadingFormat::Parquet
        } else {
            ReadingFormat::Csv
        },
    )
}

/// The format that a file's name says.
pub fn format_of_name(name: &str) -> Option<ReadingFormat> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" => Some(ReadingFormat::Csv),
        "parquet" | "pq" => Some(ReadingFormat::Parquet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_names_the_format() {
        for (name, format) in [
            ("az://data/a.csv", Some(ReadingFormat::Csv)),
            ("file:///A.CSV", Some(ReadingFormat::Csv)),
            ("a.csv.gz", Some(ReadingFormat::Csv)),
            ("a.parquet", Some(ReadingFormat::Parquet)),
            ("a.b.pq", Some(ReadingFormat::Parquet)),
            ("readings", None),
            ("readings.dat", None),
        ] {
            assert_eq!(format_of_name(name), format, "{name}");
        }
    }
}
