use super::check::check_finite;

/// A scaler z = scaler(x), feature by feature, in scikit-learn's order of operations.
///
/// Every vector has d numbers, one a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaler {
    /// z = x
    None,
    /// z = (x - center) / scale, either absent: `StandardScaler`, `RobustScaler` and `MaxAbsScaler`.
    Standard {
        /// Subtracted first: `mean_` or `center_`.
        center: Option<Vec<f64>>,
        /// Divided by afterwards: `scale_`, never 0.
        scale: Option<Vec<f64>>,
    },
    /// z = x * scale + min, then clipped to the range if there is one: `MinMaxScaler`.
    MinMax {
        /// Multiplied by first: `scale_`.
        scale: Vec<f64>,
        /// Added afterwards: `min_`.
        min: Vec<f64>,
        /// Lowest and highest z, where the scaler clips.
        clip: Option<(f64, f64)>,
    },
}

impl Scaler {
    /// Its name, and the numbers of the first features.
    pub fn described(&self) -> String {
        const MOST: usize = 4;
        let vectors = self.vectors();
        let shown = vectors.iter().map(|(name, numbers)| {
            let mut numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            if numbers.len() > MOST {
                let more = numbers.len() - MOST;
                numbers.truncate(MOST);
                numbers.push(format!("{more} more"));
            }
            format!("{name} {}", numbers.join(", "))
        });
        let shown: Vec<String> = shown.collect();
        let name = match self {
            Self::None => return "no scaler".to_owned(),
            Self::Standard { .. } => "scaler",
            Self::MinMax { clip: None, .. } => "MinMaxScaler",
            Self::MinMax { clip: Some(_), .. } => "MinMaxScaler that clips",
        };
        format!("{name}, {}", shown.join("; "))
    }

    /// Writes the scaled `row` into `scaled`; both hold d numbers.
    pub fn apply(&self, row: &[f64], scaled: &mut [f64]) {
        scaled.copy_from_slice(row);
        match self {
            Self::None => {}
            Self::Standard { center, scale } => {
                for (z, center) in scaled.iter_mut().zip(center.iter().flatten()) {
                    *z -= center;
                }
                for (z, scale) in scaled.iter_mut().zip(scale.iter().flatten()) {
                    *z /= scale;
                }
            }
            Self::MinMax { scale, min, clip } => {
                for ((z, scale), min) in scaled.iter_mut().zip(scale).zip(min) {
                    *z = *z * scale + min;
                    if let Some((low, high)) = *clip {
                        *z = z.max(low).min(high);
                    }
                }
            }
        }
    }

    /// Scales numbers that are all of one feature, with the operations of [`Self::apply`].
    #[inline]
    pub(super) fn apply_to_feature(&self, feature: usize, values: &mut [f64]) {
        let of_feature = |numbers: &Option<Vec<f64>>| numbers.as_ref()?.get(feature).copied();
        match self {
            Self::None => {}
            Self::Standard { center, scale } => {
                if let Some(center) = of_feature(center) {
                    values.iter_mut().for_each(|z| *z -= center);
                }
                if let Some(scale) = of_feature(scale) {
                    values.iter_mut().for_each(|z| *z /= scale);
                }
            }
            Self::MinMax { scale, min, clip } => {
                if let (Some(scale), Some(min)) = (scale.get(feature), min.get(feature)) {
                    values.iter_mut().for_each(|z| *z = *z * scale + min);
                }
                if let Some((low, high)) = *clip {
                    values.iter_mut().for_each(|z| *z = z.max(low).min(high));
                }
            }
        }
    }

    /// Bytes of memory beyond the value itself.
    pub(super) fn bytes(&self) -> usize {
        let vectors = self.vectors();
        vectors.iter().map(|(_, values)| size_of_val(*values)).sum()
    }

    /// Numbers of a row that it takes; nothing where it leaves all as they are.
    pub(super) fn features(&self) -> Option<usize> {
        self.vectors().first().map(|(_, values)| values.len())
    }

    /// Errors when a vector has another length than `features`.
    pub(super) fn check_shape(&self, features: usize) -> Result<(), String> {
        for (name, values) in self.vectors() {
            if values.len() != features {
                return Err(format!(
                    "the scaler's {name} has {} features, and what comes behind it {features}",
                    values.len()
                ));
            }
        }
        Ok(())
    }

    /// Errors when a number is not finite, a scale to divide by is 0, or the range to clip to is empty.
    pub(super) fn check_numbers(&self) -> Result<(), String> {
        for (name, values) in self.vectors() {
            check_finite(&format!("the scaler's {name}"), values)?;
        }
        match self {
            Self::Standard {
                scale: Some(scale), ..
            } if scale.contains(&0.0) => {
                Err("the scaler's scale contains 0, and it divides by it".into())
            }
            Self::MinMax {
                clip: Some((low, high)),
                ..
            } if low.partial_cmp(high).is_none_or(std::cmp::Ordering::is_gt) => Err(format!(
                "the scaler clips to the empty range {low} to {high}"
            )),
            _ => Ok(()),
        }
    }

    /// The scaler's vectors with scikit-learn's names.
    pub(crate) fn vectors(&self) -> Vec<(&'static str, &[f64])> {
        match self {
            Self::None => Vec::new(),
            Self::Standard { center, scale } => {
                let center = center.iter().map(|values| ("center", values.as_slice()));
                center
                    .chain(scale.iter().map(|values| ("scale", values.as_slice())))
                    .collect()
            }
            Self::MinMax { scale, min, .. } => vec![("scale", scale), ("min", min)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(scaler: &Scaler, row: &[f64]) -> Vec<f64> {
        let mut result = vec![f64::NAN; row.len()];
        scaler.apply(row, &mut result);
        result
    }

    /// 49 * (1 / 49) is less than 1; scikit-learn divides.
    #[test]
    fn standard_divides() {
        let scaler = Scaler::Standard {
            center: Some(vec![1.0, 0.0]),
            scale: Some(vec![49.0, 49.0]),
        };
        assert_eq!(scaled(&scaler, &[50.0, 49.0]), [1.0, 1.0]);
    }

    #[test]
    fn a_feature_at_a_time_is_the_same() {
        let numbers = || Some(vec![0.1, 1e9, -3.0]);
        let min_max = |clip| Scaler::MinMax {
            scale: vec![0.7, 1e-9, 3.0],
            min: vec![0.1, 0.2, 0.3],
            clip,
        };
        let standard = |center, scale| Scaler::Standard { center, scale };
        for scaler in [
            Scaler::None,
            standard(None, numbers()),
            standard(numbers(), None),
            standard(numbers(), numbers()),
            min_max(None),
            min_max(Some((0.0, 1.0))),
        ] {
            for row in [[1.0, 2.0, 3.0], [-0.3, 1e12, 1e-9]] {
                let mut features = row;
                for (feature, value) in features.iter_mut().enumerate() {
                    scaler.apply_to_feature(feature, std::slice::from_mut(value));
                }
                assert_eq!(scaled(&scaler, &row), features);
            }
        }
    }

    #[test]
    fn min_max_clips_last() {
        let scaler = Scaler::MinMax {
            scale: vec![2.0, 2.0],
            min: vec![0.5, 0.5],
            clip: Some((0.0, 1.5)),
        };
        assert_eq!(scaled(&scaler, &[0.25, 1.0]), [1.0, 1.5]);
        assert_eq!(scaled(&scaler, &[-9.0, -9.0]), [0.0, 0.0]);
    }
}
