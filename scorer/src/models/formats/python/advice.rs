//! The way out of a refusal, in the words of who saved the file.

/// What to do about a class or function outside the closed list.
pub fn way_out(module: &str, name: &str) -> &'static str {
    let package = module.split('.').next().unwrap_or_default();
    match package {
        "sklearn" => of_sklearn(module, name),
        "scipy" if module.starts_with("scipy.sparse") => {
            "the file holds a sparse matrix: fit the model on a dense array, call densify() on one that was made sparse, and save no matrix \
             beside it"
        }
        "numpy" => {
            "of numpy's functions, log1p, log, sqrt, square, exp and absolute are read: train with one of these, or have your own Python score \
             it (spec.model.worker)"
        }
        "collections" => {
            "save a plain dict or list in its place, as dict(parts), or the model alone"
        }
        "pyod" => {
            "of PyOD's detectors, IForest and OCSVM are read: train one of these, or have your own Python score it (spec.model.worker)"
        }
        "lightgbm" => {
            "of LightGBM's classes, LGBMClassifier, LGBMRegressor and Booster are read: train one of these, or have your own Python score it (spec.model.worker)"
        }
        "xgboost" => {
            "of XGBoost's classes, XGBClassifier, XGBRegressor and Booster are read: train one of these, or have your own Python score it (spec.model.worker)"
        }
        "dill" | "cloudpickle" => {
            "it was saved with dill or cloudpickle: save it again with pickle.dump or joblib.dump"
        }
        "imblearn" | "sklearn2pmml" => {
            "save it as scikit-learn's own: Pipeline(pipeline.steps), from sklearn.pipeline"
        }
        "joblib" if matches!(name, "NDArrayWrapper" | "ZNDArrayWrapper") => OLD_JOBLIB,
        "joblib" => "it was loaded with mmap_mode: load it without and save it again",
        "posix" | "nt" | "os" | "subprocess" | "sys" | "builtins" | "__builtin__" | "socket" => {
            "no model needs it, and nothing was run: find out where the file comes from"
        }
        "sklearnex" | "daal4py" | "cuml" | "thundersvm" => {
            "train and save it with scikit-learn's own OneClassSVM"
        }
        _ => OWN_CLASS,
    }
}

const OLD_JOBLIB: &str = "it was written by joblib before 0.10: load it and save it again";
const OWN_CLASS: &str = "it is a class or function of the program that saved the file, and nothing was run: save the fitted scikit-learn \
                         pipeline inside, such as joblib.dump(detector.pipeline, file), or have your own Python score it \
                         (spec.model.worker)";
const ONLY: &str = "supported are OneClassSVM, IsolationForest, EllipticEnvelope, GaussianMixture, KMeans, random forests, extra trees, \
                    decision trees, gradient boosting, linear models, SVC, SVR and MLP networks, bare or in a Pipeline behind scalers, \
                    SimpleImputer, PolynomialFeatures, PCA, Normalizer, VarianceThreshold, Nystroem, RBFSampler, FunctionTransformer and \
                    ColumnTransformer: train one of these, or have your own Python score it (spec.model.worker)";

fn of_sklearn(module: &str, name: &str) -> &'static str {
    match name {
        "KernelPCA" | "TruncatedSVD" | "IncrementalPCA" | "FastICA" => {
            "of what turns features into components, PCA is supported: train with it, make_pipeline(StandardScaler(), PCA(), OneClassSVM())"
        }
        "AdditiveChi2Sampler" | "PolynomialCountSketch" | "SkewedChi2Sampler" => {
            "of what approximates a kernel, Nystroem and RBFSampler are supported: train with one of them"
        }
        "BayesianGaussianMixture" => "of mixtures, GaussianMixture is supported: train it",
        "BisectingKMeans" => {
            "of what finds centres, KMeans and MiniBatchKMeans are supported: train one of them"
        }
        "KNNImputer" | "IterativeImputer" | "Imputer" | "MissingIndicator" => {
            "readings have no missing values here: train without it, or with SimpleImputer"
        }
        "PowerTransformer" | "QuantileTransformer" | "KBinsDiscretizer" | "SplineTransformer" => {
            "supported are StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler and FunctionTransformer, such as of numpy.log1p: train with \
             one of them"
        }
        "EmpiricalCovariance"
        | "GraphicalLasso"
        | "GraphicalLassoCV"
        | "LedoitWolf"
        | "MinCovDet"
        | "OAS"
        | "ShrunkCovariance" => {
            "it knows covariances, and no border between anomalies and others: train EllipticEnvelope"
        }
        "NDArrayWrapper" | "ZNDArrayWrapper" => OLD_JOBLIB,
        _ if module.starts_with("sklearn.externals") => OLD_JOBLIB,
        _ => ONLY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_save_instead() {
        for (module, name, part) in [
            ("pyod.models.lof", "LOF", "IForest and OCSVM are read"),
            ("dill._dill", "_create_array", "pickle.dump or joblib.dump"),
            ("numpy", "log10", "log1p, log, sqrt"),
            ("collections", "OrderedDict", "a plain dict"),
            ("__main__", "Detector", "joblib.dump(detector.pipeline"),
            ("plant.models", "Detector", "joblib.dump(detector.pipeline"),
            (
                "sklearn.decomposition._kernel_pca",
                "KernelPCA",
                "PCA is supported",
            ),
            (
                "sklearn.kernel_approximation",
                "SkewedChi2Sampler",
                "Nystroem and RBFSampler are supported",
            ),
            (
                "sklearn.neighbors._lof",
                "LocalOutlierFactor",
                "supported are OneClassSVM, IsolationForest",
            ),
            ("posix", "system", "nothing was run"),
            (
                "sklearn.neighbors._lof",
                "LocalOutlierFactor",
                "spec.model.worker",
            ),
            ("plant.models", "Detector", "spec.model.worker"),
        ] {
            let text = way_out(module, name);
            assert!(text.contains(part), "{module}.{name}: {text}");
        }
        // Nobody is told to run what looks like an attack.
        assert!(!way_out("posix", "system").contains("spec.model.worker"));
    }
}
