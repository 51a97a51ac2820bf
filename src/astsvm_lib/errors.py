"""The exception for errors that a user of the library or of the command can correct."""


class CompanionError(Exception):
    """Error that the user can correct: the message says what was expected, what was found, and what to do."""
