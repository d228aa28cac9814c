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


class Certificate(dict[str, Any]):
    """A dictionary that shows itself shortly; the keys are those of `make_certificate`."""

    def __repr__(self) -> str:
        period = f"{self.get('begin') or 'the beginning'} to {self.get('end') or 'now'}"
        return (
            f"<{self.get('verdict')}: {self.get('rows'):,} {self.get('kind')}, {period}, "
            f"{self.get('requests')} requests, loaded {self.get('loaded_at')}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(str(key))}</th><td>{escape(str(value))}</td></tr>" for key, value in self.items()
        )
        return f"<table>{rows}</table>"
