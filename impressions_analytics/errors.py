"""Every exception of the package, in one tree.

    ImpressionsError                     catch this one to catch all of them
    ├── InvalidArgumentError             an argument that cannot be used (also a ValueError)
    │   └── SettingsError                a setting that is missing or cannot be used
    ├── ApiError                         talking to the API failed; nothing was returned
    │   ├── RequestRefusedError          the API said no: a bad request or an unknown ID; retrying is useless
    │   │   └── AccessDeniedError        the API does not accept the access token
    │   ├── ApiUnavailableError          no good answer within the patience: overload, network, time-outs
    │   ├── MalformedResponseError       an answer that is not what the API documents; no row of it is believed
    │   └── IncompleteLoadError          the rows received cannot be proven to be all the rows
    ├── ArchiveError                     a snapshot or an archive cannot be used as asked
    │   ├── DamagedFileError             a Parquet file that cannot be read, or is not what it says it is
    │   └── ArchiveBusyError             another process is writing to the archive
    └── AnalysisError                    a figure that cannot be computed from what was given
        └── MissingColumnError           a column that the analysis needs is absent or of a wrong type

Every message says what happened, what was expected and what to do next. No message holds an access token or a
full request address. No matching data is never an error: it is an empty typed frame.
"""

from __future__ import annotations

import re

_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys or a page is turned around by: control characters, line ends, changes of direction."""


def printable(text: object, *, keep: str = "") -> str:
    r"""Return a text with each character that a terminal would obey written out, as the API may send any.

    Parameters
    ----------
    text : object
        Its text is meant.
    keep : str
        Characters that stay as they are, such as line ends.

    Examples
    --------
    >>> printable("Sale\x1b[2J\n\u202e now")
    'Sale\\x1b[2J\\x0a\\u202e now'
    """
    return _OBEYED.sub(lambda found: found[0] if found[0] in keep else _written_out(found[0]), str(text))


def _written_out(letter: str) -> str:
    return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"


class ImpressionsError(Exception):
    """Base of every error that this package raises on purpose; what the API sent is shown in it, never obeyed."""

    def __str__(self) -> str:
        """Return the message."""
        return printable(super().__str__(), keep="\n\t")


class InvalidArgumentError(ImpressionsError, ValueError):
    """An argument that cannot be used; the message names it, its value and what would do."""


class SettingsError(InvalidArgumentError):
    """A setting that is missing or cannot be used; the message names the argument and the environment variable."""


class ApiError(ImpressionsError):
    """Talking to the API failed, and nothing was returned."""


class RequestRefusedError(ApiError):
    """The API refused the request; sending it again would be refused again."""


class AccessDeniedError(RequestRefusedError):
    """The API does not accept the access token."""


class ApiUnavailableError(ApiError):
    """The API gave no good answer within the patience that was set."""


class MalformedResponseError(ApiError):
    """An answer that is not what the API documents; the message names the column, value, page and row."""


class IncompleteLoadError(ApiError):
    """The rows received cannot be proven to be all the rows; the message names the window and both figures."""


class ArchiveError(ImpressionsError):
    """A snapshot or an archive cannot be used as asked; nothing was changed."""


class DamagedFileError(ArchiveError):
    """A Parquet file that cannot be read, or that is not what it says it is; the file is left as it was."""


class ArchiveBusyError(ArchiveError):
    """Another process is writing to the archive."""


class AnalysisError(ImpressionsError):
    """A figure that cannot be computed from what was given; the message names the missing input."""


class MissingColumnError(AnalysisError):
    """A column that the analysis needs is absent or of a wrong type; the message names it."""
