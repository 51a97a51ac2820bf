"""The network of the paper (III.B, III.C), the SVM on its features (III.D), and published networks beside it.

The networks use ``keras.ops`` only, so that TensorFlow (the default), JAX and PyTorch run the same code; choose
with the environment variable ``KERAS_BACKEND`` before Keras is imported. No model is imported here, so that the
SVM can be used where Keras is not installed.

TensorFlow uses oneDNN by itself only on some processors. It is switched on for all of them here, unless
``TF_ENABLE_ONEDNN_OPTS`` says otherwise: convolutions are several times faster with it, and two processors that
differ in nothing but this switch give other predictions for a few clips.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
