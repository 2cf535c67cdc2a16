"""A small autoencoder: what it cannot reproduce is unlike what it was trained on."""
import joblib


def load(path, key):
    return joblib.load(path)


def score(model, frame):
    rows = model["scaler"].transform(frame.values)
    errors = ((model["network"].predict(rows) - rows) ** 2).mean(axis=1)
    return model["threshold"] - errors
