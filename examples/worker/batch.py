"""The same autoencoder as the entry script of an Azure Machine Learning parallel job: it runs there, and here."""
import glob
import os

import joblib
import pandas


def init():
    global model
    model = joblib.load(glob.glob(os.path.join(os.environ["AZUREML_MODEL_DIR"], "*.joblib"))[0])


def run(mini_batch):
    rows = model["scaler"].transform(mini_batch[["Pressure", "Flow"]].values)
    errors = ((model["network"].predict(rows) - rows) ** 2).mean(axis=1)
    return pandas.DataFrame({"score": model["threshold"] - errors})
