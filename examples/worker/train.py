"""Makes readings and models to try the other files with: python3 train.py

It needs scikit-learn. Three pumps with two readings each, which belong together; now and then a pump leaks.
"""
import os

import joblib
import numpy as np
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

HOURS = 24 * 7
rng = np.random.default_rng(0)
os.makedirs("models", exist_ok=True)
with open("readings.csv", "w") as file:
    file.write("Time,Pump,Pressure,Flow\n")
    for pump in "123":
        pressure = rng.normal(5, 0.5, HOURS)
        flow = 3 * pressure + rng.normal(0, 0.2, HOURS)
        rows = np.column_stack([pressure, flow])

        detector = make_pipeline(StandardScaler(), OneClassSVM(nu=0.01)).fit(rows)
        joblib.dump(detector, "models/detector_%s.joblib" % pump)

        scaler = StandardScaler().fit(rows)
        network = MLPRegressor(hidden_layer_sizes=(1,), activation="identity", solver="lbfgs", max_iter=2000, random_state=0)
        network.fit(scaler.transform(rows), scaler.transform(rows))
        errors = ((network.predict(scaler.transform(rows)) - scaler.transform(rows)) ** 2).mean(axis=1)
        autoencoder = {"scaler": scaler, "network": network, "threshold": 1.5 * errors.max()}
        joblib.dump(autoencoder, "models/autoencoder_%s.joblib" % pump)

        leaks = rng.integers(0, HOURS, 3)
        flow[leaks] -= 4
        for hour, (p, f) in enumerate(zip(pressure, flow)):
            file.write("2026-01-%02dT%02d:00:00Z,%s,%.3f,%.3f\n" % (hour // 24 + 1, hour % 24, pump, p, f))
