"""The certificate of a load: what was asked, what came, and what was checked. Plain JSON types, no secret."""

from __future__ import annotations

from html import escape
from typing import Any, Literal

Verdict = Literal["complete", "unproven", "contradicted"]

VERDICTS: dict[Verdict, str] = {
    "complete": "every row that the API counts is here, once",
    "unproven": "the API gave no total to hold the rows against",
    "contradicted": "another figure of the API says otherwise",
}


def _counted(number: int | None, words: str) -> str:
    """Return a number with its word, as one or many; nothing of what nobody counted."""
    if number is None:
        return ""
    one = f"{words[:-3]}y" if words.endswith("ies") else words.removesuffix("s")
    return f"{number:,} {one if number == 1 else words}"


class Certificate(dict[str, Any]):
    """A dictionary that shows itself shortly; the keys are those of `make_certificate`."""

    def __repr__(self) -> str:
        said = [
            _counted(self.get("rows"), str(self.get("kind"))),
            f"{self.get('begin') or 'the beginning'} to {self.get('end') or 'now'}",
            _counted(self.get("requests"), "requests"),
            f"loaded {self['loaded_at']}" if self.get("loaded_at") else "",
        ]
        return f"<{self.get('verdict')}: {', '.join(filter(None, said))}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(str(key))}</th><td>{escape(str(value))}</td></tr>" for key, value in self.items()
        )
        return f"<table>{rows}</table>"
