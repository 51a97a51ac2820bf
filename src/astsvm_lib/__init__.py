"""A reproducible companion to AST+SVMNet (Xue et al., IEEE Access 2024).

Its packages, in the order in which data passes through them: ``recipe``, ``datasets``, ``rehearsal``,
``preprocessing``, ``features``, ``descriptors``, ``evaluation``, ``models``, ``methods``, ``results``,
``experiments``, ``report``; then the book (``book``) and the command (``cli``). ``paper`` holds what the paper
says: its tables, its numbers, and the assumptions made where it is silent. A package imports only packages
that come before it.
"""

__version__ = "0.1.0"
