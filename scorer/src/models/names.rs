//! Which column of the readings is which feature of a model.

use std::collections::{HashMap, HashSet};

use super::{Model, ModelError, NamedList, Transform, transforms};

/// How the names that a model was trained with compare with the columns that are read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// The same names in the same order, or the model has none.
    AsListed,
    /// The same names in another order: for each feature of the model, the position of its column.
    Reordered(Vec<usize>),
    /// Wholly other names.
    Renamed,
    /// Some of the names only, or a name twice: those of the model that no column has.
    Mixed(Vec<String>),
    /// The model has no names, but a list beside it has those of the columns in another order, with or without others among them.
    ListedOtherwise(NamedList),
}

impl Names {
    /// Compares a model's names with as many columns.
    pub fn of(model: &Model, columns: &[String]) -> Self {
        let Some(names) = &model.origin.feature_names else {
            return Self::beside(model, columns);
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

impl Names {
    /// Compares the lists beside a model that has no names. One that has further names counts where none has just the columns.
    fn beside(model: &Model, columns: &[String]) -> Self {
        let parts = model.origin.parts.iter();
        let lists: Vec<&NamedList> = parts.flat_map(|parts| &parts.lists).collect();
        let is_listed = lists.iter().any(|list| list.texts == columns);
        let known: HashSet<&String> = columns.iter().collect();
        let differs = |list: &&NamedList| {
            let (mut texts, mut seen) = (Vec::new(), HashSet::new());
            for text in list.texts.iter().filter(|text| known.contains(text)) {
                texts.push(text);
                seen.insert(text);
            }
            let has_all = texts.len() == columns.len() && seen.len() == texts.len();
            let counts = list.texts.len() == texts.len() || !is_listed;
            has_all && counts && texts.into_iter().ne(columns)
        };
        let other = lists.into_iter().find(differs);
        other.map_or(Self::AsListed, |list| Self::ListedOtherwise(list.clone()))
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
    /// The model for rows whose columns lie in another order than its features: `order` has the position of each feature's column.
    ///
    /// The rows are put into the model's order, not the model into theirs: sums over features then round as in scikit-learn.
    ///
    /// Errors when `order` does not have one column for each feature, or one that is not there.
    pub fn in_order(mut self, order: Vec<usize>) -> Result<Self, ModelError> {
        let columns = transforms::Columns::new(self.features, order)?;
        self.transforms.insert(0, Transform::Columns(columns));
        let model = Self::new(self.transforms, self.estimator, self.origin)?;
        Ok(Self {
            meaning: self.meaning,
            ..model
        })
    }
}

#[cfg(test)]
mod tests {
    use fleetscore_crds::ModelFormat;

    use super::*;
    use crate::models::{Kernel, OneClassSvm, Origin, Scaler, Verdicts};

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
        let kernel = Kernel::Rbf { gamma: 0.7 };
        let svm = OneClassSvm::new(scaler, kernel, 3, vectors, vec![1.0, 0.8], 0.9).unwrap();
        Model::of_svm(svm, origin).unwrap()
    }

    fn compare(names: &[&str], columns: &[&str]) -> Names {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        Names::of(&model(Some(names)), &columns)
    }

    #[test]
    fn names_decide_the_order() {
        let model_names = ["a", "b", "c"];
        assert_eq!(compare(&model_names, &["a", "b", "c"]), Names::AsListed);
        assert_eq!(
            compare(&model_names, &["c", "a", "b"]),
            Names::Reordered(vec![1, 2, 0])
        );
        assert_eq!(compare(&model_names, &["x", "y", "z"]), Names::Renamed);
        assert_eq!(
            compare(&model_names, &["a", "x", "c"]),
            Names::Mixed(vec!["b".into()])
        );
        assert_eq!(
            compare(&model_names, &["A", "b", "c"]),
            Names::Mixed(vec!["a".into()]),
            "case counts"
        );
        let columns = ["x".to_owned(), "y".to_owned(), "z".to_owned()];
        assert_eq!(Names::of(&model(None), &columns), Names::AsListed);
    }

    #[test]
    fn a_name_that_is_there_twice_has_no_order() {
        assert_eq!(compare(&["a", "a", "b"], &["a", "a", "b"]), Names::AsListed);
        assert_eq!(
            compare(&["a", "a", "b"], &["a", "b", "a"]),
            Names::Mixed(Vec::new())
        );
        assert_eq!(
            compare(&["a", "b", "c"], &["a", "b", "b"]),
            Names::Mixed(vec!["c".into()])
        );
    }

    #[test]
    fn rows_in_any_order_score_the_same_to_the_last_bit() {
        let model = model(None);
        let rows: Vec<f64> = (0..3 * 2500_u32)
            .map(|n| f64::from(n % 97) * [0.03, 0.5, 7.0][n as usize % 3])
            .collect();
        let mut expected = Verdicts::default();
        model.score(&rows, &mut expected);
        assert_eq!(expected.len(), 2500);
        let swapped: Vec<f64> = rows
            .chunks(3)
            .flat_map(|row| [row[2], row[0], row[1]])
            .collect();
        let mut verdicts = Verdicts::default();
        let in_order = model.clone().in_order(vec![1, 2, 0]).unwrap();
        in_order.score(&swapped, &mut verdicts);
        assert_eq!(verdicts, expected);
        assert!(model.clone().in_order(vec![0, 1]).is_err());
        assert!(model.in_order(vec![0, 1, 3]).is_err());
    }
}
