//! What may be meant by the name of a column that is not there.

/// What to do about a column of an object that is not among those `present`; empty where nothing can be told.
pub(super) fn of(object: &str, column: &str, present: &[String]) -> String {
    if present.first().is_some_and(|name| name.starts_with("sep=")) {
        return "; the first line is for Excel alone: remove it".to_owned();
    }
    if let [header] = present
        && let Some(hint) = separator(header)
    {
        return hint;
    }
    if let Some(near) = present.iter().find(|name| is_near(name, column)) {
        let difference = if near.trim() == column.trim() {
            "blanks"
        } else {
            "case or blanks"
        };
        return format!(
            "; {near:?} differs by {difference} only: write it so in spec.input.columns, or mend the file"
        );
    }
    partition(object, column).unwrap_or_default()
}

/// A header that is one name with other separators in it.
fn separator(header: &str) -> Option<String> {
    let table = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    let (_, name) = table.into_iter().find(|(byte, _)| header.contains(*byte))?;
    Some(format!(
        "; its fields are separated by {name}: save it with commas between fields and a point in numbers"
    ))
}

fn is_near(name: &str, column: &str) -> bool {
    let plain = |name: &str| -> String {
        let visible = name
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '\u{feff}');
        visible.flat_map(char::to_lowercase).collect()
    };
    plain(name) == plain(column)
}

/// A column that the path holds, as Hive and Spark write it: `.../device=1/...`.
fn partition(object: &str, column: &str) -> Option<String> {
    let names = |segment: &&str| {
        segment
            .split_once('=')
            .is_some_and(|(name, _)| name.eq_ignore_ascii_case(column))
    };
    let segment = object.split('/').find(names)?;
    let (name, _) = segment.split_once('=')?;
    Some(format!(
        "; its path holds {segment}/: write {name}={{KEY}}/ with the key's name into spec.input.location, \
         and leave the key out of spec.input.columns.keys"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(column: &str, present: &[&str]) -> String {
        let present: Vec<String> = present.iter().map(ToString::to_string).collect();
        of("az://data/in/device=1/tag=2/a.parquet", column, &present)
    }

    #[test]
    fn what_is_meant_is_told() {
        for (column, present, expected) in [
            (
                "Device",
                &["TS", " Device"][..],
                "\" Device\" differs by blanks only",
            ),
            (
                "Device",
                &["TS", "DEVICE"],
                "\"DEVICE\" differs by case or blanks only",
            ),
            ("Device", &["Device\u{a0}"], "differs by blanks only"),
            ("TS", &["TS;Value"], "separated by semicolons"),
            ("TS", &["TS\tValue"], "separated by tabs"),
            ("TS", &["sep=;"], "for Excel alone"),
            (
                "device",
                &["TS"],
                "path holds device=1/: write device={KEY}/",
            ),
        ] {
            let hint = hint(column, present);
            assert!(hint.contains(expected), "{column}: {hint}");
        }
        assert_eq!(hint("Value", &["TS", "Wert"]), "");
    }
}
