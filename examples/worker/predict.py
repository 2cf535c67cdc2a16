"""The predict step of a batch job with one scikit-learn model for each sensor: load it, predict, say which readings are anomalies."""
import joblib


def load(path, key):
    return joblib.load(path)


def score(model, frame):
    return model.decision_function(frame.values), model.predict(frame.values) == -1
