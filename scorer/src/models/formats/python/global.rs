/// A class or function that a model file may name. Nothing is imported: each stands for what this program does in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// A class.
    Class(Class),
    /// A function, or a class that files call as one.
    Function(Function),
    /// One of numpy's functions of numbers, by its name.
    Ufunc(&'static str),
}

/// Classes whose instances a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are scikit-learn's.
pub enum Class {
    Pipeline,
    OneClassSvm,
    StandardScaler,
    MinMaxScaler,
    RobustScaler,
    MaxAbsScaler,
    SimpleImputer,
    ColumnTransformer,
    FunctionTransformer,
    PolynomialFeatures,
    Pca,
    Normalizer,
    VarianceThreshold,
    /// `GridSearchCV` and its like.
    Search,
    /// The columns that a `ColumnTransformer` gives to none of its transformers.
    RemainderColumns,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
    /// PyOD's `IForest`.
    PyodForest,
    /// PyOD's `OCSVM`.
    PyodSvm,
    /// XGBoost's `Booster`, which holds the trees.
    Booster,
    XgbClassifier,
    XgbRegressor,
    /// LightGBM's `Booster`, which holds the trees.
    LightBooster,
    LightClassifier,
    LightRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    LinearRegression,
    Ridge,
    RidgeCv,
    RidgeClassifier,
    BayesianRidge,
    Lasso,
    LassoCv,
    ElasticNet,
    ElasticNetCv,
    HuberRegressor,
    SgdRegressor,
    LogisticRegression,
    LogisticRegressionCv,
    LinearSvc,
    LinearSvr,
    SgdClassifier,
    SgdOneClassSvm,
    EllipticEnvelope,
    GaussianMixture,
    KMeans,
    MiniBatchKMeans,
    Nystroem,
    RbfSampler,
    Svc,
    NuSvc,
    Svr,
    NuSvr,
    MlpClassifier,
    MlpRegressor,
    DummyClassifier,
    DummyRegressor,
    /// What boosted trees started from up to scikit-learn 0.20, of which there are five.
    MeanEstimator,
    QuantileEstimator,
    /// `LogOddsEstimator` and `ScaledLogOddsEstimator`.
    LogOddsEstimator,
    /// `PriorProbabilityEstimator`
    PriorEstimator,
    ZeroEstimator,
    /// What `RidgeClassifier` keeps its classes in.
    LabelBinarizer,
    /// What makes numbers of labels, saved beside a classifier.
    LabelEncoder,
    /// A tree of `HistGradientBoosting`.
    TreePredictor,
    /// scikit-learn's `Tree`, which files call as a function and fill in.
    Tree,
    /// `numpy.ndarray`, named as the class of an array.
    Ndarray,
    /// joblib's `NumpyArrayWrapper`: an array whose bytes follow it.
    ArrayWrapper,
}

/// Functions that a file may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `numpy.dtype`
    Dtype,
    /// numpy's `_reconstruct`: an empty array, filled afterwards.
    Reconstruct,
    /// numpy's `scalar`: one number from its bytes.
    Scalar,
    /// numpy's `_frombuffer`: an array from its bytes.
    FromBuffer,
    /// `_codecs.encode`: how protocol 2 spells bytes.
    Encode,
    /// `bytes`: how protocol 2 spells no bytes.
    Bytes,
    /// `bytearray`: of bytes, or of a text as protocol 2 spells them.
    ByteArray,
    /// `slice`: start, stop and step.
    Slice,
    /// numpy's `_ufunc_reconstruct`: a function of numbers by module and name.
    Ufunc,
    /// pandas' `_new_Index`: the names of a data frame's columns, from their class and a `dict` with the array of them.
    Index,
    /// pyarrow's `type_for_alias`: a type by its name.
    ArrowType,
    /// pyarrow's `py_buffer`: bytes.
    ArrowBuffer,
    /// pyarrow's `_restore_array`: texts from a tuple of their type, their number, their bytes and what else an array has.
    ArrowArray,
}

impl Class {
    /// The class's name in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "Pipeline",
            Self::OneClassSvm => "OneClassSVM",
            Self::StandardScaler => "StandardScaler",
            Self::MinMaxScaler => "MinMaxScaler",
            Self::RobustScaler => "RobustScaler",
            Self::MaxAbsScaler => "MaxAbsScaler",
            Self::SimpleImputer => "SimpleImputer",
            Self::ColumnTransformer => "ColumnTransformer",
            Self::FunctionTransformer => "FunctionTransformer",
            Self::PolynomialFeatures => "PolynomialFeatures",
            Self::Pca => "PCA",
            Self::Normalizer => "Normalizer",
            Self::VarianceThreshold => "VarianceThreshold",
            Self::Search => "a search",
            Self::RemainderColumns => "_RemainderColsList",
            Self::IsolationForest => "IsolationForest",
            Self::RandomForestClassifier => "RandomForestClassifier",
            Self::RandomForestRegressor => "RandomForestRegressor",
            Self::ExtraTreesClassifier => "ExtraTreesClassifier",
            Self::ExtraTreesRegressor => "ExtraTreesRegressor",
            Self::DecisionTreeClassifier => "DecisionTreeClassifier",
            Self::DecisionTreeRegressor => "DecisionTreeRegressor",
            Self::ExtraTreeClassifier => "ExtraTreeClassifier",
            Self::ExtraTreeRegressor => "ExtraTreeRegressor",
            Self::PyodForest => "PyOD's IForest",
            Self::PyodSvm => "PyOD's OCSVM",
            Self::Booster | Self::LightBooster => "Booster",
            Self::XgbClassifier => "XGBClassifier",
            Self::XgbRegressor => "XGBRegressor",
            Self::LightClassifier => "LGBMClassifier",
            Self::LightRegressor => "LGBMRegressor",
            Self::GradientBoostingClassifier => "GradientBoostingClassifier",
            Self::GradientBoostingRegressor => "GradientBoostingRegressor",
            Self::HistGradientBoostingClassifier => "HistGradientBoostingClassifier",
            Self::HistGradientBoostingRegressor => "HistGradientBoostingRegressor",
            Self::LinearRegression => "LinearRegression",
            Self::Ridge => "Ridge",
            Self::RidgeCv => "RidgeCV",
            Self::RidgeClassifier => "RidgeClassifier",
            Self::BayesianRidge => "BayesianRidge",
            Self::Lasso => "Lasso",
            Self::LassoCv => "LassoCV",
            Self::ElasticNet => "ElasticNet",
            Self::ElasticNetCv => "ElasticNetCV",
            Self::HuberRegressor => "HuberRegressor",
            Self::SgdRegressor => "SGDRegressor",
            Self::LogisticRegression => "LogisticRegression",
            Self::LogisticRegressionCv => "LogisticRegressionCV",
            Self::LinearSvc => "LinearSVC",
            Self::LinearSvr => "LinearSVR",
            Self::SgdClassifier => "SGDClassifier",
            Self::SgdOneClassSvm => "SGDOneClassSVM",
            Self::EllipticEnvelope => "EllipticEnvelope",
            Self::GaussianMixture => "GaussianMixture",
            Self::KMeans => "KMeans",
            Self::MiniBatchKMeans => "MiniBatchKMeans",
            Self::Nystroem => "Nystroem",
            Self::RbfSampler => "RBFSampler",
            Self::Svc => "SVC",
            Self::NuSvc => "NuSVC",
            Self::Svr => "SVR",
            Self::NuSvr => "NuSVR",
            Self::MlpClassifier => "MLPClassifier",
            Self::MlpRegressor => "MLPRegressor",
            Self::DummyClassifier => "DummyClassifier",
            Self::DummyRegressor => "DummyRegressor",
            Self::MeanEstimator => "MeanEstimator",
            Self::QuantileEstimator => "QuantileEstimator",
            Self::LogOddsEstimator => "LogOddsEstimator",
            Self::PriorEstimator => "PriorProbabilityEstimator",
            Self::ZeroEstimator => "ZeroEstimator",
            Self::LabelBinarizer => "LabelBinarizer",
            Self::LabelEncoder => "LabelEncoder",
            Self::TreePredictor => "TreePredictor",
            Self::Tree => "Tree",
            Self::Ndarray => "ndarray",
            Self::ArrayWrapper => "NumpyArrayWrapper",
        }
    }
}

/// The closed list: module names as written by scikit-learn 0.19 to today, numpy 1 and 2, joblib, Python 2 and 3.
pub fn find(module: &str, name: &str) -> Option<Global> {
    let class = |class| Some(Global::Class(class));
    let function = |function| Some(Global::Function(function));
    match (module, name) {
        ("sklearn.pipeline", "Pipeline") => class(Class::Pipeline),
        ("sklearn.svm.classes" | "sklearn.svm._classes", "OneClassSVM") => {
            class(Class::OneClassSvm)
        }
        ("sklearn.preprocessing.data" | "sklearn.preprocessing._data", scaler) => match scaler {
            "StandardScaler" => class(Class::StandardScaler),
            "MinMaxScaler" => class(Class::MinMaxScaler),
            "RobustScaler" => class(Class::RobustScaler),
            "MaxAbsScaler" => class(Class::MaxAbsScaler),
            "Normalizer" => class(Class::Normalizer),
            "PolynomialFeatures" => class(Class::PolynomialFeatures),
            _ => None,
        },
        ("sklearn.impute" | "sklearn.impute._base", "SimpleImputer") => class(Class::SimpleImputer),
        ("sklearn.preprocessing._polynomial", "PolynomialFeatures") => {
            class(Class::PolynomialFeatures)
        }
        ("sklearn.preprocessing._function_transformer", "FunctionTransformer") => {
            class(Class::FunctionTransformer)
        }
        ("sklearn.decomposition.pca" | "sklearn.decomposition._pca", "PCA") => class(Class::Pca),
        (
            "sklearn.feature_selection.variance_threshold"
            | "sklearn.feature_selection._variance_threshold",
            "VarianceThreshold",
        ) => class(Class::VarianceThreshold),
        ("sklearn.compose._column_transformer", "ColumnTransformer") => {
            class(Class::ColumnTransformer)
        }
        ("sklearn.compose._column_transformer", "_RemainderColsList") => {
            class(Class::RemainderColumns)
        }
        ("sklearn.model_selection._search", "GridSearchCV" | "RandomizedSearchCV")
        | (
            "sklearn.model_selection._search_successive_halving",
            "HalvingGridSearchCV" | "HalvingRandomSearchCV",
        ) => class(Class::Search),
        ("sklearn.ensemble.iforest" | "sklearn.ensemble._iforest", "IsolationForest") => {
            class(Class::IsolationForest)
        }
        ("sklearn.tree._tree", "Tree") => class(Class::Tree),
        ("xgboost.core", "Booster") => class(Class::Booster),
        ("xgboost.sklearn", "XGBClassifier") => class(Class::XgbClassifier),
        ("xgboost.sklearn", "XGBRegressor") => class(Class::XgbRegressor),
        ("lightgbm.basic", "Booster") => class(Class::LightBooster),
        ("lightgbm.sklearn", "LGBMClassifier") => class(Class::LightClassifier),
        ("lightgbm.sklearn", "LGBMRegressor") => class(Class::LightRegressor),
        ("pyod.models.iforest", "IForest") => class(Class::PyodForest),
        ("pyod.models.ocsvm", "OCSVM") => class(Class::PyodSvm),
        ("numpy", "ndarray") => class(Class::Ndarray),
        ("numpy", "dtype") => function(Function::Dtype),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
            function(Function::Reconstruct)
        }
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
            function(Function::Scalar)
        }
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
            function(Function::FromBuffer)
        }
        ("joblib.numpy_pickle" | "sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper") => {
            class(Class::ArrayWrapper)
        }
        ("numpy.core" | "numpy._core", "_ufunc_reconstruct") => function(Function::Ufunc),
        ("numpy" | "numpy.core._multiarray_umath" | "numpy._core._multiarray_umath", name) => {
            ufunc(name).map(Global::Ufunc)
        }
        ("builtins" | "__builtin__", "slice") => function(Function::Slice),
        ("pandas.core.indexes.base" | "pandas.indexes.base", "_new_Index") => {
            function(Function::Index)
        }
        ("pyarrow.lib", "type_for_alias") => function(Function::ArrowType),
        ("pyarrow.lib", "py_buffer") => function(Function::ArrowBuffer),
        ("pyarrow.lib", "_restore_array") => function(Function::ArrowArray),
        ("_codecs", "encode") => function(Function::Encode),
        ("builtins" | "__builtin__", "bytes") => function(Function::Bytes),
        ("builtins" | "__builtin__", "bytearray") => function(Function::ByteArray),
        _ => of_trees(module, name)
            .or_else(|| linear(module, name))
            .or_else(|| density(module, name)),
    }
}

/// Classifiers and regressors of trees, and what they hold.
fn of_trees(module: &str, name: &str) -> Option<Global> {
    let class = |class| Some(Global::Class(class));
    match (module, name) {
        ("sklearn.tree.tree" | "sklearn.tree._classes", tree) => match tree {
            "DecisionTreeClassifier" => class(Class::DecisionTreeClassifier),
            "DecisionTreeRegressor" => class(Class::DecisionTreeRegressor),
            "ExtraTreeClassifier" => class(Class::ExtraTreeClassifier),
            "ExtraTreeRegressor" => class(Class::ExtraTreeRegressor),
            _ => None,
        },
        ("sklearn.ensemble.forest" | "sklearn.ensemble._forest", forest) => match forest {
            "RandomForestClassifier" => class(Class::RandomForestClassifier),
            "RandomForestRegressor" => class(Class::RandomForestRegressor),
            "ExtraTreesClassifier" => class(Class::ExtraTreesClassifier),
            "ExtraTreesRegressor" => class(Class::ExtraTreesRegressor),
            _ => None,
        },
        ("sklearn.ensemble.gradient_boosting" | "sklearn.ensemble._gb", boosting) => match boosting
        {
            "GradientBoostingClassifier" => class(Class::GradientBoostingClassifier),
            "GradientBoostingRegressor" => class(Class::GradientBoostingRegressor),
            "MeanEstimator" => class(Class::MeanEstimator),
            "QuantileEstimator" => class(Class::QuantileEstimator),
            "LogOddsEstimator" | "ScaledLogOddsEstimator" => class(Class::LogOddsEstimator),
            "PriorProbabilityEstimator" => class(Class::PriorEstimator),
            "ZeroEstimator" => class(Class::ZeroEstimator),
            _ => None,
        },
        ("sklearn.ensemble._hist_gradient_boosting.gradient_boosting", boosting) => {
            match boosting {
                "HistGradientBoostingClassifier" => class(Class::HistGradientBoostingClassifier),
                "HistGradientBoostingRegressor" => class(Class::HistGradientBoostingRegressor),
                _ => None,
            }
        }
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor") => {
            class(Class::TreePredictor)
        }
        ("sklearn.dummy", "DummyClassifier") => class(Class::DummyClassifier),
        ("sklearn.dummy", "DummyRegressor") => class(Class::DummyRegressor),
        _ => None,
    }
}

/// Linear models.
fn linear(module: &str, name: &str) -> Option<Global> {
    let class = |class| Some(Global::Class(class));
    match (module, name) {
        ("sklearn.svm.classes" | "sklearn.svm._classes", "LinearSVC") => class(Class::LinearSvc),
        ("sklearn.svm.classes" | "sklearn.svm._classes", "LinearSVR") => class(Class::LinearSvr),
        ("sklearn.linear_model.base" | "sklearn.linear_model._base", "LinearRegression") => {
            class(Class::LinearRegression)
        }
        ("sklearn.linear_model.ridge" | "sklearn.linear_model._ridge", ridge) => match ridge {
            "Ridge" => class(Class::Ridge),
            "RidgeCV" => class(Class::RidgeCv),
            "RidgeClassifier" => class(Class::RidgeClassifier),
            _ => None,
        },
        ("sklearn.linear_model.bayes" | "sklearn.linear_model._bayes", "BayesianRidge") => {
            class(Class::BayesianRidge)
        }
        ("sklearn.preprocessing.label" | "sklearn.preprocessing._label", label) => match label {
            "LabelBinarizer" => class(Class::LabelBinarizer),
            "LabelEncoder" => class(Class::LabelEncoder),
            _ => None,
        },
        (
            "sklearn.linear_model.coordinate_descent" | "sklearn.linear_model._coordinate_descent",
            descent,
        ) => match descent {
            "Lasso" => class(Class::Lasso),
            "LassoCV" => class(Class::LassoCv),
            "ElasticNet" => class(Class::ElasticNet),
            "ElasticNetCV" => class(Class::ElasticNetCv),
            _ => None,
        },
        ("sklearn.linear_model.huber" | "sklearn.linear_model._huber", "HuberRegressor") => {
            class(Class::HuberRegressor)
        }
        ("sklearn.linear_model.logistic" | "sklearn.linear_model._logistic", logistic) => {
            match logistic {
                "LogisticRegression" => class(Class::LogisticRegression),
                "LogisticRegressionCV" => class(Class::LogisticRegressionCv),
                _ => None,
            }
        }
        (
            "sklearn.linear_model.stochastic_gradient"
            | "sklearn.linear_model._stochastic_gradient",
            descent,
        ) => match descent {
            "SGDClassifier" => class(Class::SgdClassifier),
            "SGDRegressor" => class(Class::SgdRegressor),
            "SGDOneClassSVM" => class(Class::SgdOneClassSvm),
            _ => None,
        },
        _ => None,
    }
}

/// Detectors by density and distance, machines of support vectors, and networks.
fn density(module: &str, name: &str) -> Option<Global> {
    let class = |class| Some(Global::Class(class));
    match (module, name) {
        (
            "sklearn.covariance.outlier_detection"
            | "sklearn.covariance.elliptic_envelope"
            | "sklearn.covariance._elliptic_envelope",
            "EllipticEnvelope",
        ) => class(Class::EllipticEnvelope),
        (
            "sklearn.mixture.gaussian_mixture" | "sklearn.mixture._gaussian_mixture",
            "GaussianMixture",
        ) => class(Class::GaussianMixture),
        (
            "sklearn.neural_network.multilayer_perceptron"
            | "sklearn.neural_network._multilayer_perceptron",
            network,
        ) => match network {
            "MLPClassifier" => class(Class::MlpClassifier),
            "MLPRegressor" => class(Class::MlpRegressor),
            _ => None,
        },
        ("sklearn.kernel_approximation", "Nystroem") => class(Class::Nystroem),
        ("sklearn.kernel_approximation", "RBFSampler") => class(Class::RbfSampler),
        ("sklearn.svm.classes" | "sklearn.svm._classes", machine) => match machine {
            "SVC" => class(Class::Svc),
            "NuSVC" => class(Class::NuSvc),
            "SVR" => class(Class::Svr),
            "NuSVR" => class(Class::NuSvr),
            _ => None,
        },
        ("sklearn.cluster.k_means_" | "sklearn.cluster._kmeans", "KMeans") => class(Class::KMeans),
        ("sklearn.cluster.k_means_" | "sklearn.cluster._kmeans", "MiniBatchKMeans") => {
            class(Class::MiniBatchKMeans)
        }
        _ => None,
    }
}

/// The name of one of numpy's functions of numbers that scoring knows.
fn ufunc(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 6] = ["absolute", "exp", "log", "log1p", "sqrt", "square"];
    NAMES.into_iter().find(|known| *known == name)
}
