/// A text in Flink SQL. What nobody would see in it is escaped.
pub(super) fn flink_text(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.chars().all(is_seen) {
        return format!("'{quoted}'");
    }
    let mut escaped = String::new();
    for letter in quoted.chars() {
        if letter == '\\' {
            escaped += "\\\\";
        } else if is_seen(letter) {
            escaped.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                escaped += &format!("\\{unit:04x}");
            }
        }
    }
    format!("U&'{escaped}'")
}

/// A name in Flink SQL.
pub(super) fn flink_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Names that lead into a row, in Flink SQL.
pub(super) fn flink_path<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().map(flink_name).collect();
    names.join(".")
}

/// A text in Stream Analytics.
pub(super) fn analytics_text(text: &str) -> Result<String, String> {
    if text.chars().all(is_seen) {
        Ok(format!("'{}'", text.replace('\'', "''")))
    } else {
        Err(format!(
            "the text {text:?} holds what cannot be written in Stream Analytics: compare with another"
        ))
    }
}

/// A name in Stream Analytics, which has no way to write brackets in one.
pub(super) fn analytics_name(name: &str) -> Result<String, String> {
    if is_plain(name) && !name.contains(['[', ']']) {
        Ok(format!("[{name}]"))
    } else {
        Err(format!(
            "the name {name:?} cannot be written in Stream Analytics: no brackets, and nothing that nobody sees"
        ))
    }
}

/// A text in Terraform.
pub(super) fn terraform_text(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", terraform_template(&text))
}

/// Text in which Terraform is to replace nothing.
pub(super) fn terraform_template(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// Whether all of a name is seen.
pub(super) fn is_plain(name: &str) -> bool {
    name.chars().all(is_seen)
}

fn is_seen(letter: char) -> bool {
    letter == ' ' || letter.is_ascii_graphic() || letter.is_alphanumeric()
}
