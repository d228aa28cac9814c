"""The certificate of a load: what was asked, what came, and what was checked. It has plain JSON types and no secret."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["complete", "part", "unproven", "contradicted"]

VERDICTS: dict[Verdict, str] = {
    "complete": "every row that the API counts is here, once",
    "part": "these are some of the rows of a load: figures speak of them only",
    "unproven": "the API gave no total to hold the rows against",
    "contradicted": "another figure of the API says otherwise",
}


def counted(number: int | None, words: str) -> str:
    """Return a number with its word, as one or many; nothing of what nobody counted.

    Examples
    --------
    >>> counted(1, "impressions"), counted(1200, "deliveries"), counted(1, "abuses"), counted(None, "requests")
    ('1 impression', '1,200 deliveries', '1 abuse', '')
    """
    if number is None:
        return ""
    one = f"{words[:-3]}y" if words.endswith("ies") else words.removesuffix("s")
    return f"{number:,} {one if number == 1 else words}"


class Certificate(dict[str, Any]):
    """A dictionary with a short repr; its keys are those of `make_certificate`."""

    def __repr__(self) -> str:
        said = [
            counted(self.get("rows"), str(self.get("kind"))),
            f"{self.get('begin') or 'the beginning'} to {self.get('end') or 'now'}",
            counted(self.get("requests"), "requests"),
            f"loaded {self['loaded_at']}" if self.get("loaded_at") else "",
        ]
        return f"<{self.get('verdict')}: {', '.join(filter(None, said))}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(str(key))}</th><td>{escape(str(value))}</td></tr>" for key, value in self.items()
        )
        return f"<table>{rows}</table>"


def fingerprint(numbers: Any) -> str:
    """Return a text that stands for a set of IDs, whatever their order.

    Each number is scattered over 64 bits (the finaliser of SplitMix64), and the results are added up.

    Examples
    --------
    >>> import numpy as np
    >>> fingerprint(np.array([1, 2, 3])) == fingerprint(np.array([3, 1, 2])) != fingerprint(np.array([1, 2, 4]))
    True
    """
    import numpy as np

    mixed = np.asarray(numbers, dtype=np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return f"{int((mixed ^ (mixed >> np.uint64(31))).sum(dtype=np.uint64)):016x}"


def certificate_of(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Return the certificate that a frame carries, as far as it belongs to the frame's rows.

    pandas hands ``attrs`` on to whatever is made of a frame. So a certificate is held against the rows. When there are
    fewer than it speaks of, its verdict is "part", and ``rows_of_load`` says of how many. When there are more, or other
    ones, it belongs to another frame, and nothing is claimed.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({"ID": [1, 2, 3]})
    >>> opens.attrs["load"] = Certificate(kind="impressions", rows=3, verdict="complete")
    >>> certificate_of(opens)["verdict"], certificate_of(opens[opens["ID"] > 1])["verdict"]
    ('complete', 'part')
    >>> certificate_of(pd.concat([opens, opens])) is None
    True
    """
    certificate = frame.attrs.get("load")
    if not isinstance(certificate, dict) or not isinstance(rows := certificate.get("rows"), int):
        return certificate if isinstance(certificate, dict) else None
    if len(frame) < rows:
        whole = certificate.get("rows_of_load", rows)
        return Certificate({**certificate, "verdict": "part", "rows": len(frame), "rows_of_load": whole, "ids": None})
    known = certificate.get("ids")
    same = known is None or "ID" not in frame or fingerprint(frame["ID"].to_numpy()) == known
    return certificate if len(frame) == rows and same else None


def over_mailings(some: int, of: int) -> str:
    """Say over how many mailings a total is.

    Examples
    --------
    >>> over_mailings(7, 12)
    'over 7 of 12 mailings'
    """
    return f"over {some:,} of {counted(of, 'mailings')}"
