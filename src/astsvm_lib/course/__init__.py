"""The course: lessons, the assignments generated from them, their grading with nbgrader, and slides."""
