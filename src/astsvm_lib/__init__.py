"""A reproducible companion to AST+SVMNet (Xue et al., IEEE Access 2024).

The rooms of the library, in the order in which data walks through them: ``recipe``, ``datasets``,
``rehearsal``, ``preprocessing``, ``features``, ``network``, ``transfer``, ``evaluation``,
``experiments``, ``plotting``; then the command line (``cli``) and the book (``book``).
"""

__version__ = "0.1.0"
