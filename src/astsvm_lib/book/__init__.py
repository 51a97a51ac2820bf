"""The book: chapters through papermill, executed notebooks through Jupyter Book."""
