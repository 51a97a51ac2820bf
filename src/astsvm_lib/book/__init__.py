"""The book: papermill executes the chapters, and Jupyter Book renders the executed notebooks."""
