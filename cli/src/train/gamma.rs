use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The width of the RBF kernel exp(-gamma |x - y|^2), as scikit-learn's `gamma`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gamma {
    /// 1 / (d * variance of all scaled numbers): `scale`.
    #[default]
    Scale,
    /// 1 / d: `auto`.
    Auto,
    /// This number, above 0.
    Value(f64),
}

impl Gamma {
    /// The number for scaled readings `rows`, row-major with `features` numbers each.
    pub fn resolve(self, rows: &[f64], features: usize) -> f64 {
        match self {
            Self::Value(gamma) => gamma,
            Self::Auto => 1.0 / features as f64,
            Self::Scale => {
                let variance = variance(rows);
                if variance == 0.0 {
                    1.0
                } else {
                    1.0 / (features as f64 * variance)
                }
            }
        }
    }
}

fn variance(numbers: &[f64]) -> f64 {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    numbers
        .iter()
        .map(|number| (number - mean) * (number - mean))
        .sum::<f64>()
        / count
}

impl FromStr for Gamma {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "scale" => Ok(Self::Scale),
            "auto" => Ok(Self::Auto),
            number => number
                .parse()
                .map_err(|_| EXPECTED.to_owned())
                .and_then(Self::number),
        }
    }
}

const EXPECTED: &str = "gamma is `scale`, `auto` or a number above 0";

impl Gamma {
    fn number(number: f64) -> Result<Self, String> {
        if number > 0.0 && number.is_finite() {
            Ok(Self::Value(number))
        } else {
            Err(EXPECTED.to_owned())
        }
    }
}

impl fmt::Display for Gamma {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scale => out.write_str("scale"),
            Self::Auto => out.write_str("auto"),
            Self::Value(gamma) => write!(out, "{gamma}"),
        }
    }
}

impl Serialize for Gamma {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(gamma) => serializer.serialize_f64(*gamma),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Gamma {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Gamma;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`scale`, `auto` or a number above 0")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Gamma, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Gamma, E> {
        Gamma::number(number).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Gamma, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Gamma, E> {
        self.visit_f64(number as f64)
    }
}
