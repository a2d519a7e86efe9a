"""A model of scikit-learn, learnt by threads, saved, loaded, and validated by processes."""

import joblib
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

table = pandas.read_csv("in.csv")
features, target = table[["a", "b"]], table["a"] > 500
model = RandomForestClassifier(n_estimators=20, random_state=0, n_jobs=2).fit(features, target)
joblib.dump(model, "model.joblib")
print(joblib.load("model.joblib").score(features, target))
print(cross_val_score(model, features, target, n_jobs=2).mean() > 0.5)
