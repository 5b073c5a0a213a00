"""The tree of errors: one message of one line says what was received, what is accepted and what to do.

MatryoError(ValueError)
ShapeError       a matrix, a width or a dim does not fit
FormatError      a file or folder cannot be read as what it claims to be
SpaceError       vectors of two different spaces met
NotFittedError   something was used before it was fitted or built
MissingExtra(ImportError)   an optional library is not installed
"""


class MatryoError(ValueError):
    """Bad input that a caller can repair; every error of this package but one derives from it."""


class ShapeError(MatryoError):
    """A matrix, a width or a dim does not fit what it is used with."""


class FormatError(MatryoError):
    """A file or folder cannot be read as what it claims to be."""


class SpaceError(MatryoError):
    """Vectors of two different spaces were to be compared, stored together or mapped."""


class NotFittedError(MatryoError):
    """Something was used before it was fitted or built."""


class MissingExtra(ImportError):
    """An optional library is not installed; the message names what to install."""

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        """Name the library that is missing, the extra that brings it and what it is needed for."""
        super().__init__(f"{purpose} needs {library}, which is not installed: pip install 'matryo[{extra}]'")
