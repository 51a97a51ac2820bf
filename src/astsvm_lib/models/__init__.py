"""The network of the paper (III.B, III.C), the SVM on its features (III.D), and published networks for comparison.

The networks use ``keras.ops`` only, so that TensorFlow (the default), JAX and PyTorch run the same code. Select the
backend with the environment variable ``KERAS_BACKEND`` before Keras is imported. No model is imported here, so that
the SVM can be used where Keras is not installed.

By default TensorFlow enables oneDNN on some processors only. It is enabled here on all processors, unless
``TF_ENABLE_ONEDNN_OPTS`` is set: convolutions are several times faster, and predictions for a few clips differ
between runs with and without oneDNN.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
