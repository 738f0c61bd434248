"""`convert.py FOLDER`: the forest of scikit-learn in FOLDER/forest.joblib to FOLDER/forest.onnx."""

import sys
from pathlib import Path

import joblib
from skl2onnx import convert_sklearn  # type: ignore[import-not-found]
from skl2onnx.common.data_types import FloatTensorType  # type: ignore[import-not-found]

folder = Path(sys.argv[1])
forest = joblib.load(folder / "forest.joblib")
rows = [("rows", FloatTensorType([None, forest.n_features_in_]))]
converted = convert_sklearn(forest, initial_types=rows, options={id(forest): {"zipmap": False}})
(folder / "forest.onnx").write_bytes(converted.SerializeToString())
