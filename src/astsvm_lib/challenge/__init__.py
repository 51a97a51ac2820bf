"""Challenges for a class: a rendered data set that nobody has seen, and the grading of submissions."""
