"""A baseline: optical flow from onset to apex, averaged over blocks, and an SVM. Needs OpenCV and scikit-learn.

python baseline.py CODE     in the folder with train.csv and test.csv; writes CODE.csv
"""

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

BLOCKS = 12


def read(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with Path(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def feature(part: str, row: dict[str, str]) -> np.ndarray:
    """Mean flow from onset to apex in 12 x 12 blocks of the frame, as one vector."""
    onset, apex = (
        cv2.imread(str(Path(part) / row["clip"] / f"{int(row[moment]):04d}.png"), cv2.IMREAD_GRAYSCALE)
        for moment in ("onset", "apex")
    )
    flow = cv2.calcOpticalFlowFarneback(onset, apex, None, 0.5, 3, 21, 3, 7, 1.5, 0)
    flow -= np.median(flow, (0, 1))  # the motion of the whole head
    return cv2.resize(flow, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA).ravel()


train, test = read("train.csv"), read("test.csv")
X, X_test = (np.array([feature(part, row) for row in rows]) for part, rows in (("train", train), ("test", test)))
y, subjects = np.array([row["label"] for row in train]), [row["subject"] for row in train]
svm = make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
folds = GroupKFold(min(5, len(set(subjects))))
predicted = cross_val_predict(svm, X, y, groups=subjects, cv=folds)
print(f"UF1 on the training part, whole subjects left out: {f1_score(y, predicted, average='macro'):.3f}")
with Path(f"{sys.argv[1]}.csv").open("w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["clip", "label"])
    writer.writerows(zip([row["clip"] for row in test], svm.fit(X, y).predict(X_test), strict=True))
