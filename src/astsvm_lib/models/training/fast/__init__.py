"""Fast training on a CPU, several times faster than the Keras layers: compiled loops, layers, and the engine."""
