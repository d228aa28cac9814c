"""A text that is never shown, and how it is taken out of other texts in a time that grows with their length only."""

from __future__ import annotations

import re
from typing import IO, Any, NoReturn
from urllib.parse import quote

SHORTEST_LETTERS = 8  # a shorter secret is hidden where it stands alone only: words would be full of it
HEAD_LETTERS = 12  # so many letters are told for the beginning of a secret that was cut short
FILE_PART_BYTES = 4_000_000
_TOKEN_IN_TEXT = re.compile(r"(access_token(?:=|%3[Dd])|Bearer\s++)[^&\s\"'<>]+")


class Secret:
    """A text that is never shown: only `reveal` gives it, and nothing that prints calls that.

    Examples
    --------
    >>> Secret("hunter2")
    <secret>
    """

    __slots__ = ("_begins", "_letters", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        letters = [_spellings(letter) for letter in text]
        first, head = _spellings(text[:1], begins=True), "".join(letters[1:HEAD_LETTERS])
        alone = "(?<!\\w){}(?!\\w)" if len(text) < SHORTEST_LETTERS else "{}"
        self._begins = [re.compile(alone.format(one + head), re.IGNORECASE) for one in (_spellings(text[:1]), first)]
        self._letters = [re.compile(letter, re.IGNORECASE) for letter in letters[HEAD_LETTERS:]]

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def hide(self, text: str) -> str:
        r"""Return a text without this secret: whole or cut short, in either case, escaped or percent-encoded.

        Examples
        --------
        >>> Secret("hunter/2hunter").hide(r"401 for hunter%2f2hunter, hunter\/2hunter and hunters")
        '401 for <secret>, <secret> and hunters'
        """
        here, further = self._begins
        shown: list[str] = []
        end = 0
        while self._text and (found := here.match(text, end) or further.search(text, end)):
            shown += (text[end : found.start()], "<secret>")
            end = found.end()
            for letter in self._letters:
                if (more := letter.match(text, end)) is None:
                    break
                end = more.end()
        return "".join([*shown, text[end:]])

    def is_quoted_in(self, body: bytes) -> bool:
        """Whether an answer holds this secret; quick. Short ones, and numbers, are in any answer."""
        if len(self._text) < SHORTEST_LETTERS or self._text.isdigit():
            return False
        forms = {self._text, self._text.replace("/", "\\/"), quote(self._text, safe="")}
        return any(form.encode() in body for form in forms)

    def is_quoted_in_file(self, file: IO[bytes]) -> bool:
        """Whether a file holds this secret; read some megabytes at a time."""
        file.seek(0)
        before = b""
        while part := file.read(FILE_PART_BYTES):
            if self.is_quoted_in(before + part):
                return True
            before = part[-len(quote(self._text, safe="")) * 2 :]
        return False

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a secret is not written to files, nor sent to other processes")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))


def _spellings(letter: str, *, begins: bool = False) -> str:
    """Return a pattern of every spelling of a letter.

    A run of backslashes is taken whole and never given back (`++`), and the first letter begins at the first
    backslash of a run only: otherwise each backslash of a long run would be a place to try the whole run again.
    """
    if not letter:
        return ""
    run_begins = r"(?<!\\)" if begins else ""
    plain = r"\\" if letter == "\\" else rf"\\*+{re.escape(letter)}"
    return rf"(?:%{ord(letter):02x}|{run_begins}(?:\\++u{ord(letter):04x}|{plain}))"


def redact(text: str) -> str:
    """Return a text without the access tokens and JWTs that it may hold.

    Examples
    --------
    >>> redact("GET /v2/identity?access_token=abc&x=1")
    'GET /v2/identity?access_token=<secret>&x=1'
    """
    return _TOKEN_IN_TEXT.sub(r"\1<secret>", text)
