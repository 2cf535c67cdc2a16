use std::borrow::Cow;

use serde::Deserialize;

/// Classes of a classifier; the position of one is two bytes.
const MOST: usize = 1 << 16;
/// Bytes of a label.
const LONGEST: usize = 256;

/// What a classifier calls its classes, in its order: a class is a position here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "classes that are all whole numbers or all texts"
)]
pub enum Labels {
    /// Whole numbers; scikit-learn's `True` is 1.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Integers(Vec::new())
    }
}

impl Labels {
    /// Checks that they can tell classes apart.
    ///
    /// Errors when there are none, more than 65,536, two alike, or one longer than 256 bytes.
    pub fn check(&self) -> Result<(), String> {
        let count = self.len();
        if count == 0 {
            return Err("it has no classes".into());
        }
        if count > MOST {
            return Err(format!(
                "it has {count} classes, and at most {MOST} are read"
            ));
        }
        let mut sorted: Vec<Cow<'_, str>> = (0..count).map(|class| self.text(class)).collect();
        if let Some(long) = sorted.iter().find(|label| label.len() > LONGEST) {
            return Err(format!(
                "a label has {} bytes, and at most {LONGEST} are read",
                long.len()
            ));
        }
        sorted.sort_unstable();
        match sorted.windows(2).find(|two| two.first() == two.last()) {
            Some(_) => Err("two of its classes have the same label".into()),
            None => Ok(()),
        }
    }

    /// The number of classes.
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(labels) => labels.len(),
            Self::Texts(labels) => labels.len(),
        }
    }

    /// Whether there are none, as of what is no classifier.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The label of a class as text; empty where there is no such class.
    pub fn text(&self, class: usize) -> Cow<'_, str> {
        match self {
            Self::Integers(labels) => labels
                .get(class)
                .map_or_else(Cow::default, |label| Cow::Owned(label.to_string())),
            Self::Texts(labels) => labels
                .get(class)
                .map_or_else(Cow::default, |label| Cow::Borrowed(label.as_str())),
        }
    }

    /// Which classes are anomalies where nobody says so: 1 of 0 and 1, -1 of -1 and 1, and none of others.
    pub fn anomalies(&self) -> Vec<bool> {
        let anomaly = match self {
            Self::Integers(labels) if labels == &[0, 1] => Some(1),
            Self::Integers(labels) if labels == &[-1, 1] => Some(0),
            _ => None,
        };
        (0..self.len())
            .map(|class| Some(class) == anomaly)
            .collect()
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Integers(labels) => size_of_val(labels.as_slice()),
            Self::Texts(labels) => {
                let texts = labels.iter().map(String::capacity);
                size_of_val(labels.as_slice()) + texts.sum::<usize>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_apart() {
        let texts =
            |labels: &[&str]| Labels::Texts(labels.iter().map(ToString::to_string).collect());
        assert_eq!(texts(&["ok", "worn"]).check(), Ok(()));
        assert!(Labels::default().check().is_err());
        assert!(texts(&["ok", "worn", "ok"]).check().is_err());
        assert!(texts(&[&"x".repeat(257)]).check().is_err());
        assert!(Labels::Integers((0..65_537).collect()).check().is_err());
        assert_eq!(Labels::Integers((0..65_536).collect()).check(), Ok(()));
    }

    #[test]
    fn some_labels_are_anomalies_by_themselves() {
        let of = |labels: &[i64]| Labels::Integers(labels.to_vec()).anomalies();
        assert_eq!(of(&[0, 1]), [false, true]);
        assert_eq!(of(&[-1, 1]), [true, false]);
        assert_eq!(of(&[0, 1, 2]), [false; 3]);
        assert_eq!(of(&[1, 2]), [false; 2]);
        let texts = Labels::Texts(vec!["0".into(), "1".into()]);
        assert_eq!(texts.anomalies(), [false; 2]);
    }
}
