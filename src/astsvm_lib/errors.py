"""The one exception that a user of the library or of the command is meant to read."""


class CompanionError(Exception):
    """Something the user can mend: the message says what was expected, found, and what to do."""
