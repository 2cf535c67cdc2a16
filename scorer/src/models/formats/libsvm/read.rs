use fleetscore_crds::ModelFormat;

use crate::models::formats::limits::{self, Meter};
use crate::models::{Kernel, Model, ModelError, OneClassSvm, Origin, Scaler, shown};

/// Reads a one-class model. The number of features is the largest index in the file.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not text"))?;
    let mut lines = (1..).zip(text.lines());
    let header = Header::read(&mut lines)?;
    let count = text.lines().count();
    meter.take(count.saturating_mul(size_of::<Row<'_>>()))?;
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(count);
    for (number, line) in lines {
        if number.is_multiple_of(1024) {
            meter.go_on()?;
        }
        if !line.trim().is_empty() {
            rows.push(Row::read((number, line))?);
        }
    }
    if header.vectors.is_some_and(|vectors| vectors != rows.len()) {
        return Err(malformed(format!(
            "total_sv is {}, but {} follow",
            header.vectors.unwrap_or(0),
            rows.len()
        )));
    }
    let features = rows.iter().map(|row| row.features).max().unwrap_or(0);
    let numbers = limits::check_numbers(
        "support vectors x features",
        rows.len().checked_mul(features),
    )?;
    meter.take((numbers + rows.len()) * size_of::<f64>())?;
    let mut support_vectors = vec![0.0; numbers];
    for (row, vector) in rows
        .iter()
        .zip(support_vectors.chunks_exact_mut(features.max(1)))
    {
        row.fill(vector)?;
    }
    let coefficients = rows.iter().map(|row| row.coefficient).collect();
    let origin = Origin {
        producer: Some("libsvm".into()),
        ..Origin::new(ModelFormat::Libsvm)
    };
    let svm = OneClassSvm::new(
        Scaler::None,
        header.kernel()?,
        features,
        support_vectors,
        coefficients,
        header.rho()?,
    )?;
    Model::of_svm(svm, origin)
}

/// The lines before `SV`.
#[derive(Default)]
struct Header<'a> {
    kernel: Option<&'a str>,
    gamma: Option<f64>,
    coef0: Option<f64>,
    degree: Option<u32>,
    rho: Option<f64>,
    vectors: Option<usize>,
}

impl<'a> Header<'a> {
    fn read(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Self, ModelError> {
        let mut header = Self::default();
        for (number, line) in lines {
            let (name, value) = line
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((line.trim(), ""));
            let value = value.trim();
            match name {
                "SV" => return Ok(header),
                "svm_type" if value == "one_class" => {}
                "svm_type" => {
                    return Err(ModelError::Unsupported(format!(
                        "svm_type {}, not one_class: train with -s 2, or OneClassSVM in scikit-learn",
                        short(value)
                    )));
                }
                "kernel_type" => header.kernel = Some(value),
                "gamma" => header.gamma = Some(parse(number, value)?),
                "coef0" => header.coef0 = Some(parse(number, value)?),
                "degree" => header.degree = Some(parse(number, value)?),
                "rho" => header.rho = Some(parse(number, value)?),
                "total_sv" => header.vectors = Some(parse(number, value)?),
                // Of no use to a one-class decision.
                "nr_class" | "label" | "nr_sv" | "probA" | "probB" | "prob_density_marks" | "" => {}
                other => {
                    return Err(malformed(format!(
                        "line {number}: unknown entry `{}`",
                        short(other)
                    )));
                }
            }
        }
        Err(malformed("no line `SV`"))
    }

    fn kernel(&self) -> Result<Kernel, ModelError> {
        let gamma = || required("gamma", self.gamma);
        let coef0 = || required("coef0", self.coef0);
        match required("kernel_type", self.kernel)? {
            "rbf" => Ok(Kernel::Rbf { gamma: gamma()? }),
            "linear" => Ok(Kernel::Linear),
            "polynomial" => Ok(Kernel::Polynomial {
                gamma: gamma()?,
                coef0: coef0()?,
                degree: required("degree", self.degree)?,
            }),
            "sigmoid" => Ok(Kernel::Sigmoid {
                gamma: gamma()?,
                coef0: coef0()?,
            }),
            other => Err(ModelError::Unsupported(format!(
                "kernel_type {}; supported are rbf, linear, polynomial and sigmoid: train with one of them",
                short(other)
            ))),
        }
    }

    fn rho(&self) -> Result<f64, ModelError> {
        required("rho", self.rho)
    }
}

/// A support vector, its items not yet read.
struct Row<'a> {
    number: usize,
    coefficient: f64,
    items: &'a str,
    features: usize,
}

impl<'a> Row<'a> {
    fn read((number, line): (usize, &'a str)) -> Result<Self, ModelError> {
        let (coefficient, items) = line
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((line.trim(), ""));
        let mut row = Self {
            number,
            coefficient: parse(number, coefficient)?,
            items,
            features: 0,
        };
        if let Some(last) = items.split_whitespace().next_back() {
            row.features = row.item(last)?.0;
        }
        Ok(row)
    }

    /// Writes the items into a vector of zeros that is at least as long as the last index.
    fn fill(&self, vector: &mut [f64]) -> Result<(), ModelError> {
        let mut before = 0;
        for item in self.items.split_whitespace() {
            let (index, value) = self.item(item)?;
            match vector.get_mut(index - 1) {
                Some(place) if index > before => *place = value,
                _ => {
                    return Err(malformed(format!(
                        "line {}: index {index} is not in ascending order",
                        self.number
                    )));
                }
            }
            before = index;
        }
        Ok(())
    }

    /// An index from 1 up, and its value.
    fn item(&self, item: &str) -> Result<(usize, f64), ModelError> {
        let (index, value) = item.split_once(':').ok_or_else(|| {
            malformed(format!(
                "line {}: `{}` is not index:value",
                self.number,
                short(item)
            ))
        })?;
        let index = parse(self.number, index)?;
        if index == 0 {
            return Err(malformed(format!(
                "line {}: index 0; libsvm counts from 1",
                self.number
            )));
        }
        Ok((index, parse(self.number, value)?))
    }
}

fn parse<T: std::str::FromStr>(line: usize, text: &str) -> Result<T, ModelError> {
    text.parse().map_err(|_| {
        malformed(format!(
            "line {line}: `{}` is not a valid number here",
            short(text)
        ))
    })
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, ModelError> {
    value.ok_or_else(|| malformed(format!("no line `{name}`")))
}

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "libsvm",
        problem: problem.into(),
    }
}

fn short(text: &str) -> String {
    shown(text, 40)
}
