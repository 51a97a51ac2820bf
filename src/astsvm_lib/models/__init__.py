"""The network of the paper (III.B, III.C), the SVM on its features (III.D), and published networks beside it.

The networks use ``keras.ops`` only, so that TensorFlow (the default), JAX and PyTorch run the same code; choose
with the environment variable ``KERAS_BACKEND`` before Keras is imported. Nothing is imported here, so that the
SVM can be used where Keras is not installed.
"""
