//! Which column of the readings is which feature of a model.

use std::collections::HashMap;

use super::Model;

/// How the names that a model was trained with compare with the columns that are read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// The same names in the same order, or the model has none.
    AsListed,
    /// The same names in another order: for each feature of the model, the position of its column.
    Reordered(Vec<usize>),
    /// Wholly other names.
    Renamed,
    /// Some of the names only, or a name twice: those of the model that no column has.
    Mixed(Vec<String>),
}

impl Columns {
    /// Compares a model's names with as many columns.
    pub fn of(model: &Model, columns: &[String]) -> Self {
        let Some(names) = &model.origin.feature_names else {
            return Self::AsListed;
        };
        if names == columns {
            return Self::AsListed;
        }
        let positions: HashMap<&str, usize> = (0..)
            .zip(columns)
            .map(|(position, name)| (name.as_str(), position))
            .collect();
        let order: Vec<usize> = names
            .iter()
            .filter_map(|name| positions.get(name.as_str()).copied())
            .collect();
        if order.is_empty() {
            Self::Renamed
        } else if is_permutation(&order, columns.len()) {
            Self::Reordered(order)
        } else {
            let absent = names
                .iter()
                .filter(|name| !positions.contains_key(name.as_str()));
            Self::Mixed(absent.cloned().collect())
        }
    }
}

/// Whether each of `count` positions is there once.
fn is_permutation(order: &[usize], count: usize) -> bool {
    let mut seen = vec![false; count];
    let once = |&position: &usize| {
        seen.get_mut(position)
            .is_some_and(|seen| !std::mem::replace(seen, true))
    };
    order.len() == count && order.iter().all(once)
}

impl Model {
    /// [`Model::decisions`] of rows whose columns lie in another order than the model's features: `order` has the position of each
    /// feature's column.
    ///
    /// The rows are put into the model's order, not the model into theirs: sums over features then round as in scikit-learn.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold d numbers for each of the `scores`, or `order` is no order of d columns.
    pub fn decisions_in_order(&self, order: &[usize], rows: &[f64], scores: &mut [f64]) {
        /// Rows that are put into order at a time.
        const ROWS: usize = 1024;
        assert_eq!(order.len(), self.features, "one column a feature");
        let mut arranged = Vec::with_capacity(scores.len().min(ROWS) * self.features);
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            arranged.clear();
            for row in rows.chunks(self.features) {
                arranged.extend(order.iter().map(|&column| row[column]));
            }
            self.decisions(&arranged, scores);
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetscore_crds::ModelFormat;

    use super::*;
    use crate::models::{Kernel, Origin, Scaler};

    fn model(names: Option<&[&str]>) -> Model {
        let origin = Origin {
            feature_names: names.map(|names| names.iter().map(ToString::to_string).collect()),
            ..Origin::new(ModelFormat::Native)
        };
        let scaler = Scaler::Standard {
            center: Some(vec![1.0, 20.0, 300.0]),
            scale: Some(vec![0.5, 3.0, 70.0]),
        };
        let vectors = vec![0.1, -0.7, 0.3, 1.1, 0.2, -0.5];
        Model::new(
            scaler,
            Kernel::Rbf { gamma: 0.7 },
            3,
            vectors,
            vec![1.0, 0.8],
            0.9,
            origin,
        )
        .unwrap()
    }

    fn compare(names: &[&str], columns: &[&str]) -> Columns {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        Columns::of(&model(Some(names)), &columns)
    }

    #[test]
    fn names_decide_the_order() {
        let model_names = ["a", "b", "c"];
        assert_eq!(compare(&model_names, &["a", "b", "c"]), Columns::AsListed);
        assert_eq!(
            compare(&model_names, &["c", "a", "b"]),
            Columns::Reordered(vec![1, 2, 0])
        );
        assert_eq!(compare(&model_names, &["x", "y", "z"]), Columns::Renamed);
        assert_eq!(
            compare(&model_names, &["a", "x", "c"]),
            Columns::Mixed(vec!["b".into()])
        );
        assert_eq!(
            compare(&model_names, &["A", "b", "c"]),
            Columns::Mixed(vec!["a".into()]),
            "case counts"
        );
        let columns = ["x".to_owned(), "y".to_owned(), "z".to_owned()];
        assert_eq!(Columns::of(&model(None), &columns), Columns::AsListed);
    }

    #[test]
    fn a_name_that_is_there_twice_has_no_order() {
        assert_eq!(
            compare(&["a", "a", "b"], &["a", "a", "b"]),
            Columns::AsListed
        );
        assert_eq!(
            compare(&["a", "a", "b"], &["a", "b", "a"]),
            Columns::Mixed(Vec::new())
        );
        assert_eq!(
            compare(&["a", "b", "c"], &["a", "b", "b"]),
            Columns::Mixed(vec!["c".into()])
        );
    }

    #[test]
    fn rows_in_any_order_score_the_same_to_the_last_bit() {
        let model = model(None);
        let rows: Vec<f64> = (0..3 * 2500_u32)
            .map(|n| f64::from(n % 97) * [0.03, 0.5, 7.0][n as usize % 3])
            .collect();
        let mut expected = vec![0.0; 2500];
        model.decisions(&rows, &mut expected);
        let swapped: Vec<f64> = rows
            .chunks(3)
            .flat_map(|row| [row[2], row[0], row[1]])
            .collect();
        let mut scores = vec![0.0; 2500];
        model.decisions_in_order(&[1, 2, 0], &swapped, &mut scores);
        assert_eq!(scores, expected);
    }
}
