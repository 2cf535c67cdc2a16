use std::fmt;

/// What must never be printed: an account key or a SAS token.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret itself, for the client that signs with it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with the secret, and the signature in it, blanked out.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut out = text.replace(&self.0, "REDACTED");
        let signature = self
            .0
            .split(['&', '?'])
            .find_map(|pair| pair.strip_prefix("sig="));
        for signature in signature
            .into_iter()
            .filter(|signature| !signature.is_empty())
        {
            let decoded = percent_encoding::percent_decode_str(signature).decode_utf8_lossy();
            out = out
                .replace(signature, "REDACTED")
                .replace(decoded.as_ref(), "REDACTED");
        }
        out
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("REDACTED")
    }
}

/// `text` with the value of every `sig=` blanked out, whoever's signature it is.
pub(super) fn redact_signatures(text: &str) -> String {
    let mut parts = text.split("sig=");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|character: char| {
            !(character.is_ascii_alphanumeric() || "%+/=-_".contains(character))
        });
        out.push_str("sig=REDACTED");
        out.push_str(end.and_then(|end| part.get(end..)).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_out_keys_tokens_and_signatures() {
        let token = Secret::new("sv=2024-11-04&sr=c&sig=ab%2Bc%3D&se=2026");
        assert_eq!(
            token.redact("x ab%2Bc%3D y ab+c= z"),
            "x REDACTED y REDACTED z"
        );
        assert_eq!(
            token.redact("?sv=2024-11-04&sr=c&sig=ab%2Bc%3D&se=2026"),
            "?REDACTED"
        );
        assert_eq!(Secret::new("a2V5").redact("key a2V5!"), "key REDACTED!");
        assert_eq!(
            redact_signatures("https://h/c?sv=1&sig=a%2Bb&se=2 and sig=x"),
            "https://h/c?sv=1&sig=REDACTED&se=2 and sig=REDACTED"
        );
        assert_eq!(format!("{token:?}"), "REDACTED");
    }
}
