use crate::models::ModelError;
use crate::models::check::check_finite;

/// Principal components: of each row without its mean, the products with k directions, each divided by its spread if whitened.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    mean: Vec<f64>,
    /// k rows of d numbers.
    directions: Vec<f64>,
    /// One number a component.
    spread: Option<Vec<f64>>,
}

impl Components {
    /// From the d means (`mean_`), k directions of d numbers each, row-major (`components_`), and what the k components are divided
    /// by, if anything.
    ///
    /// Errors when a shape differs from the others, or a number is not finite.
    pub fn new(
        mean: Vec<f64>,
        directions: Vec<f64>,
        spread: Option<Vec<f64>>,
    ) -> Result<Self, ModelError> {
        let (features, numbers) = (mean.len(), directions.len());
        let components = Self {
            mean,
            directions,
            spread,
        };
        let fits = features > 0 && numbers > 0 && numbers.is_multiple_of(features);
        let spread = components.spread.as_deref();
        if !fits || spread.is_some_and(|spread| spread.len() != components.outputs()) {
            return Err(ModelError::unfit(format!(
                "{numbers} numbers in PCA's directions do not fit its {features} means"
            )));
        }
        check_finite("PCA's means", &components.mean)
            .and_then(|()| check_finite("PCA's directions", &components.directions))
            .and_then(|()| check_finite("PCA's variances", spread.unwrap_or_default()))
            .map_err(ModelError::unfit)?;
        Ok(components)
    }

    /// How many components it takes of how many columns.
    pub(super) fn described(&self) -> String {
        let whitened = match self.spread {
            Some(_) => ", whitened",
            None => "",
        };
        format!(
            "PCA, {} columns to {}{whitened}",
            self.inputs(),
            self.outputs()
        )
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.mean.len()
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.directions.len() / self.mean.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let spread = self.spread.as_ref().map_or(0, Vec::len);
        8 * (self.mean.len() + self.directions.len() + spread)
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        let start = out.len();
        for direction in self.directions.chunks_exact(self.mean.len()) {
            let terms = row.iter().zip(&self.mean).zip(direction);
            out.push(terms.map(|((x, mean), weight)| (x - mean) * weight).sum());
        }
        let made = out.get_mut(start..).unwrap_or_default();
        for (component, spread) in made.iter_mut().zip(self.spread.iter().flatten()) {
            *component /= spread;
        }
    }
}
