use fleetscore_crds::SensorKey;

use super::{Part, Template, decode_value};

/// Tries after which no other way is looked for: names are short, and a few tries are enough for them.
const TRIES: usize = 10_000;

impl Template {
    /// Other keys than `taken` with which this template expands to `text`, where a separator that a key holds itself allows some:
    /// `model_{device}_{tag}` reads `model_pump_1_a` as `device=pump tag=1_a`, though `device=pump_1 tag=a` fits as well.
    pub fn other_match(&self, text: &str, taken: &SensorKey) -> Option<SensorKey> {
        let mut search = Search {
            taken,
            tries: TRIES,
            found: Vec::new(),
        };
        search.run(&self.parts, text)
    }
}

struct Search<'a> {
    taken: &'a SensorKey,
    tries: usize,
    /// The keys so far, as they stand in the text.
    found: Vec<(&'a str, &'a str)>,
}

impl<'a> Search<'a> {
    fn run(&mut self, parts: &'a [Part], text: &'a str) -> Option<SensorKey> {
        self.tries = self.tries.checked_sub(1)?;
        match parts.split_first() {
            None if text.is_empty() => self.other(),
            Some((Part::Literal(literal), rest)) => {
                self.run(rest, text.strip_prefix(literal.as_str())?)
            }
            Some((Part::Key(name), rest)) => self.key(name, rest, text),
            Some(_) | None => None,
        }
    }

    fn key(&mut self, name: &'a str, rest: &'a [Part], text: &'a str) -> Option<SensorKey> {
        if let Some(&(_, value)) = self.found.iter().find(|(known, _)| *known == name) {
            return self.run(rest, text.strip_prefix(value)?);
        }
        let segment = text.find('/').unwrap_or(text.len());
        let ends = text
            .char_indices()
            .map(|(at, letter)| at + letter.len_utf8());
        for end in ends.take_while(|end| *end <= segment) {
            let (value, after) = text.split_at_checked(end)?;
            self.found.push((name, value));
            let other = self.run(rest, after);
            self.found.pop();
            if other.is_some() || self.tries == 0 {
                return other;
            }
        }
        None
    }

    /// The keys found, if they are other ones.
    fn other(&self) -> Option<SensorKey> {
        let keys = self.found.iter();
        let other: SensorKey = keys
            .map(|(name, value)| (*name, decode_value(value).into_owned()))
            .collect();
        (other != *self.taken).then_some(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken and what else fits.
    fn both(template: &str, text: &str) -> (String, Option<String>) {
        let template = Template::parse(template).unwrap();
        let taken = template.matches(text).unwrap();
        let other = template.other_match(text, &taken);
        (taken.to_string(), other.map(|key| key.to_string()))
    }

    #[test]
    fn a_separator_in_a_key_is_told() {
        for (template, text, taken, other) in [
            ("model_{device}_{tag}", "model_1_2", "device=1 tag=2", None),
            (
                "model_{device}_{tag}",
                "model_pump_1_temp_in",
                "device=pump tag=1_temp_in",
                Some("device=pump_1 tag=temp_in"),
            ),
            (
                "{device}/{tag}",
                "pump_1/temp_in",
                "device=pump_1 tag=temp_in",
                None,
            ),
            (
                "{device}-{tag}/{device}-{tag}.pkl",
                "a-b-c/a-b-c.pkl",
                "device=a tag=b-c",
                Some("device=a-b tag=c"),
            ),
            ("m_{device}.pkl", "m_a.pkl.pkl", "device=a.pkl", None),
            (
                "{device}{tag}",
                "abc",
                "device=a tag=bc",
                Some("device=ab tag=c"),
            ),
        ] {
            let expected = (taken.to_owned(), other.map(str::to_owned));
            assert_eq!(both(template, text), expected, "{template} on {text}");
        }
    }

    #[test]
    fn the_search_ends() {
        let many: Vec<String> = (0..16).map(|key| format!("{{k{key}}}_")).collect();
        let template = Template::parse(&(many.concat() + "x")).unwrap();
        let taken = SensorKey::default();
        assert_eq!(template.other_match(&"_".repeat(1000), &taken), None);
    }
}
