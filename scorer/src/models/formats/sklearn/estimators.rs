//! The estimators that may be at the end of a chain. A new family is a reader and a line in [`READERS`].

use super::estimator::Estimator;
use super::{
    boosting, centres, elliptic, forest, histograms, lightgbm, linear, mixture, perceptron, pyod,
    reconstruction, svm, vectors, votes, xgboost,
};
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::{self, ModelError};

type Reader = fn(&Estimator<'_, '_>, &mut Meter<'_>) -> Result<models::Estimator, ModelError>;

const READERS: &[(Class, Reader)] = &[
    (Class::OneClassSvm, svm::read),
    (Class::IsolationForest, forest::read),
    (Class::PyodForest, pyod::read_forest),
    (Class::PyodSvm, pyod::read_svm),
    (Class::Booster, xgboost::read),
    (Class::XgbClassifier, xgboost::read),
    (Class::XgbRegressor, xgboost::read),
    (Class::LightBooster, lightgbm::read),
    (Class::LightClassifier, lightgbm::read),
    (Class::LightRegressor, lightgbm::read),
    (Class::RandomForestClassifier, votes::read),
    (Class::RandomForestRegressor, votes::read),
    (Class::ExtraTreesClassifier, votes::read),
    (Class::ExtraTreesRegressor, votes::read),
    (Class::DecisionTreeClassifier, votes::read),
    (Class::DecisionTreeRegressor, votes::read),
    (Class::ExtraTreeClassifier, votes::read),
    (Class::ExtraTreeRegressor, votes::read),
    (Class::GradientBoostingClassifier, boosting::read),
    (Class::GradientBoostingRegressor, boosting::read),
    (Class::HistGradientBoostingClassifier, histograms::read),
    (Class::HistGradientBoostingRegressor, histograms::read),
    (Class::LinearRegression, linear::read),
    (Class::Ridge, linear::read),
    (Class::RidgeCv, linear::read),
    (Class::RidgeClassifier, linear::read),
    (Class::BayesianRidge, linear::read),
    (Class::Lasso, linear::read),
    (Class::LassoCv, linear::read),
    (Class::ElasticNet, linear::read),
    (Class::ElasticNetCv, linear::read),
    (Class::HuberRegressor, linear::read),
    (Class::SgdRegressor, linear::read),
    (Class::LogisticRegression, linear::read),
    (Class::LogisticRegressionCv, linear::read),
    (Class::LinearSvc, linear::read),
    (Class::LinearSvr, linear::read),
    (Class::SgdClassifier, linear::read),
    (Class::SgdOneClassSvm, linear::read),
    (Class::EllipticEnvelope, elliptic::read),
    (Class::GaussianMixture, mixture::read),
    (Class::KMeans, centres::read),
    (Class::MiniBatchKMeans, centres::read),
    (Class::Svc, vectors::read),
    (Class::NuSvc, vectors::read),
    (Class::Svr, vectors::read),
    (Class::NuSvr, vectors::read),
    (Class::MlpClassifier, perceptron::read),
    (Class::MlpRegressor, perceptron::read),
];

/// Whether the class is an estimator's that [`read`] reads.
pub fn is_known(class: Class) -> bool {
    READERS.iter().any(|(known, _)| *known == class)
}

/// Reads a fitted estimator; nothing where it is none of the known ones.
pub fn read(
    last: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<Option<models::Estimator>, ModelError> {
    // In a dict it is a transformer, so the table does not have it.
    if last.class == Class::Pca {
        return reconstruction::read(last, meter).map(Some);
    }
    let reader = READERS.iter().find(|(class, _)| *class == last.class);
    reader.map(|(_, read)| read(last, meter)).transpose()
}
