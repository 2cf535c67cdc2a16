use super::MOST_COLUMNS;
use crate::models::ModelError;

/// Products of columns of up to some degree: scikit-learn's `PolynomialFeatures`, in its order of columns and of factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polynomial {
    inputs: usize,
    /// Whether the first column is all 1.
    bias: bool,
    /// Degree by degree, from 1 on.
    products: Vec<Product>,
    /// How many of the first products do not come out: those of a degree below the least.
    hidden: usize,
}

/// A column, times an earlier product if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Product {
    column: usize,
    rest: Option<usize>,
}

impl Polynomial {
    /// Products of `inputs` columns of the degrees `least` to `most`, and 1 if `bias`; no column twice in one if `distinct`.
    ///
    /// Errors when there are more than [`MOST_COLUMNS`], or none.
    pub fn new(
        inputs: usize,
        (least, most): (usize, usize),
        distinct: bool,
        bias: bool,
    ) -> Result<Self, ModelError> {
        let mut products: Vec<Product> = Vec::new();
        let (mut start, mut hidden) = (0, 0);
        for degree in 1..=most {
            let end = products.len();
            for column in 0..inputs {
                let rests = if degree == 1 {
                    vec![None]
                } else {
                    let follows = |rest: &usize| {
                        products.get(*rest).is_some_and(|rest| {
                            rest.column > column || !distinct && rest.column == column
                        })
                    };
                    (start..end).filter(follows).map(Some).collect()
                };
                if products.len() + rests.len() > MOST_COLUMNS {
                    return Err(ModelError::TooLarge {
                        what: "the number of products of PolynomialFeatures".into(),
                        limit: format!("{MOST_COLUMNS} columns"),
                    });
                }
                products.extend(rests.into_iter().map(|rest| Product { column, rest }));
            }
            start = end;
            if degree < least {
                hidden = products.len();
            }
            if products.len() == end {
                break;
            }
        }
        let polynomial = Self {
            inputs,
            bias,
            products,
            hidden,
        };
        if polynomial.outputs() == 0 {
            return Err(ModelError::unfit("PolynomialFeatures leaves no column"));
        }
        Ok(polynomial)
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        usize::from(self.bias) + self.products.len() - self.hidden
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.products.as_slice())
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        if self.bias {
            out.push(1.0);
        }
        let start = out.len();
        for product in &self.products {
            let column = row.get(product.column).copied().unwrap_or(f64::NAN);
            let rest = product.rest.and_then(|rest| out.get(start + rest));
            out.push(rest.map_or(column, |rest| rest * column));
        }
        out.drain(start..start + self.hidden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(row: &[f64], degrees: (usize, usize), distinct: bool, bias: bool) -> Vec<f64> {
        let mut out = vec![-1.0];
        let polynomial = Polynomial::new(row.len(), degrees, distinct, bias).unwrap();
        polynomial.append(row, &mut out);
        assert_eq!(out.len(), 1 + polynomial.outputs());
        out.split_off(1)
    }

    #[test]
    fn columns_are_in_order_of_degree_and_place() {
        let row = [2.0, 3.0, 5.0];
        assert_eq!(of(&row, (0, 1), false, true), [1.0, 2.0, 3.0, 5.0]);
        assert_eq!(
            of(&row, (0, 2), false, false),
            [2.0, 3.0, 5.0, 4.0, 6.0, 10.0, 9.0, 15.0, 25.0]
        );
        assert_eq!(of(&row, (2, 3), true, false), [6.0, 10.0, 15.0, 30.0]);
        assert_eq!(of(&[2.0], (3, 4), false, true), [1.0, 8.0, 16.0]);
    }

    #[test]
    fn what_has_too_many_columns_or_none_is_refused() {
        assert!(Polynomial::new(100, (0, 3), false, true).is_err());
        assert!(Polynomial::new(2, (0, usize::MAX), false, true).is_err());
        assert!(Polynomial::new(2, (3, 9), true, false).is_err());
        assert!(Polynomial::new(2, (0, usize::MAX), true, true).is_ok());
    }
}
