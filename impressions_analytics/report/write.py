"""Write the report: one HTML file that needs nothing else and asks nobody."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from impressions_analytics.analytics import metrics
from impressions_analytics.archive.store import open_output
from impressions_analytics.charts.language import Language, checked, phrase, speaking, spoken, translated, word
from impressions_analytics.errors import printable
from impressions_analytics.report.certificates import certified, grouped, not_covered, overall
from impressions_analytics.report.headlines import headlines
from impressions_analytics.report.inputs import Inputs, gather
from impressions_analytics.report.last_mailing import last_mailing
from impressions_analytics.report.mailings_table import mailings_table
from impressions_analytics.report.pictures import colour_rules
from impressions_analytics.report.results import Results, compute
from impressions_analytics.report.sections import sections
from impressions_analytics.report.selection import chosen_mailings, of_mailings
from impressions_analytics.report.tables import HtmlTable, table_of


def write_report(
    data: Any,
    path: str | os.PathLike[str],
    *,
    deliveries: Any = None,
    clicks: Any = None,
    destinations: Any = None,
    emailings: Any = None,
    errors: Any = None,
    unsubscribes: Any = None,
    abuses: Any = None,
    emailing: int | Sequence[int] | None = None,
    begin: Any = None,
    end: Any = None,
    title: str | None = None,
    zone: str | None = None,
    language: Language = "en",
    made_at: dt.datetime | None = None,
) -> Path | str:
    """Write a report: the last mailing against those before it, figures, charts, and how far the data can be trusted.

    The page holds everything it shows, asks no server for anything, and shows no profile's number. Its one script,
    which sorts and filters the mailings, is named by its hash in the page's own policy; the page can be read without
    it. It follows the reader's light or dark colours, fits a phone, and prints.

    Parameters
    ----------
    data : Archive, Parquet path or frame
        Impressions; a folder that holds an archive is opened as one.
    path : path
        The HTML file, or an address such as ``s3://bucket/report.html``; what is there is replaced, and folders on the
        way are made.
    deliveries, clicks, destinations, emailings, errors, unsubscribes, abuses : frame, path or Archive, optional
        The other kinds, each of which adds figures; found in `data` if it is an archive that has them.
    emailing : int or sequence of int, optional
        Only these mailings. The last of them is still held against the ten before it.
    begin, end : date, datetime or str, optional
        Only mailings that were sent from `begin` up to, not including, `end`, with all that became of them.
    title : str, optional
        The heading of the page; "E-mail impressions", in the language of the page, when not given.
    zone : str, optional
        The zone of the wall clock, for the labels; from the certificates when not given.
    language : {"en", "nl"}
        English or Dutch: every sentence, chart and number of the page. Subjects and the names of programs stay as
        they are.
    made_at : datetime, optional
        When the report was made; now when not given.

    Returns
    -------
    pathlib.Path or str
        The file, or its address without what gives access to it.

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        The data is not impressions, or cannot be read; there is no such mailing or language; or nothing here can
        reach the address.
    ArchiveError
        The file cannot be written.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> opens = pd.DataFrame({"ID": [1], "mailing": [412], "timestamp": pd.to_datetime(["2026-01-05 09:00:00"]),
    ...                       "useragent": ["Mozilla/5.0"], "destination": [112], "profile": [13453]})
    >>> page = write_report(opens, Path(tempfile.mkdtemp()) / "report.html")
    >>> "Unique opens" in Path(page).read_text(encoding="utf-8")
    True
    """
    given: dict[Any, Any] = {
        "deliveries": deliveries, "clicks": clicks, "destinations": destinations, "emailings": emailings,
        "errors": errors, "unsubscribes": unsubscribes, "abuses": abuses,
    }  # fmt: skip
    language = checked(language)
    output, name = open_output(path)
    inputs = gather(data, given, zone=zone)
    mailings = chosen_mailings(inputs, emailing=emailing, begin=begin, end=end)
    shown = inputs if mailings is None else of_mailings(inputs, mailings)
    results = compute(shown, everything=inputs)
    made_at = made_at or dt.datetime.now(dt.UTC)
    with speaking(language):
        page = render(shown, results, title=title, made_at=made_at, everything=inputs)
    output.put(name, lambda file: file.write_text(page, encoding="utf-8"))
    return Path(path) if output.is_local else output.label(name)


def render(
    inputs: Inputs, results: Results, *, title: str | None, made_at: dt.datetime, everything: Inputs | None = None
) -> str:
    """Return the page. `everything` are the inputs with all mailings, where `inputs` are those of some of them."""
    import jinja2

    from impressions_analytics import __version__

    here = resources.files("impressions_analytics.report")
    style = f"{colour_rules()}\n{here.joinpath('page.css').read_text(encoding='utf-8')}"
    script = here.joinpath("page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, finalize=_shown
    )
    environment.globals |= {"phrase": phrase, "word": word}
    template = environment.from_string(here.joinpath("page.html.j2").read_text(encoding="utf-8"))
    certificates, lacking = certified(inputs), not_covered(results.outcomes)
    return template.render(
        language=spoken(),
        title=phrase("E-mail impressions") if title is None else title,
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        verdict=overall(certificates, lacking=bool(lacking)),
        lacking=lacking,
        certificates=certificates,
        verdicts=grouped(certificates),
        begin=f"{results.value_range[0]:%Y-%m-%d}" if results.value_range else "",
        end=f"{results.value_range[1]:%Y-%m-%d}" if results.value_range else "",
        zone=inputs.zone,
        last=last_mailing(results, everything or inputs),
        mailings=mailings_table(results.outcomes),
        headlines=headlines(results),
        sections=sections(results, inputs),
        missing=inputs.missing,
        definitions=_definitions(),
        made_at=f"{made_at:%Y-%m-%d %H:%M %Z}".strip(),
        version=__version__,
    )


def _shown(value: Any) -> Any:
    """Return a value with its control characters written out; our own HTML and pictures stay as they are."""
    return printable(value, keep="\n\t") if type(value) is str else value


def _definitions() -> HtmlTable:
    heads = {
        "figure": "figure",
        "formula": "formula",
        "unit": "unit",
        "needs": "needs besides impressions",
        "source": "defined by",
    }
    result = metrics()
    return table_of(
        result.assign(**{name: result[name].map(word).map(translated) for name in heads}), phrase("Definitions"), heads
    )


def _hash(text: str) -> str:
    """Return the hash by which the page's policy allows its style and its script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
