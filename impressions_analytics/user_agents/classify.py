"""What a user agent says of the program that fetched: which client, which system, and was it a person at all.

Each distinct user agent is judged once. The rules of ``rules.toml`` come first, because they know mail;
where none decides, the list of ``crawler-user-agents`` says what is a bot, and ``ua-parser`` names browser and system.

A kind is what the user agent shows, no more: ``person`` means that no sign of a machine was seen, ``proxy`` that the
mailbox fetched when the message was opened, ``prefetch`` that the mailbox fetched before anybody need have looked.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from impressions_analytics.errors import InvalidArgumentError, MissingColumnError
from impressions_analytics.user_agents.addresses import AddressRanges
from impressions_analytics.user_agents.judge import BARE_NAME, Judgement, judge
from impressions_analytics.user_agents.own_rules import read_own_rules
from impressions_analytics.user_agents.table import RULES, RULES_VERSION, Rulebook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    import pandas as pd

    IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]

__all__ = ["RULES_VERSION", "classify_user_agents", "rules", "with_user_agents"]

BareNames = Literal["unknown", "bot"]

BARE_RULE = "apple-privacy"
"""The rule whose user agent anybody could send."""

ADDED_COLUMNS = {
    "client": "client",
    "client_version": "client_version",
    "is_mail": "is_mail",
    "os": "os",
    "useragent_device": "device",
    "kind": "kind",
    "rule": "rule",
}
"""What `with_user_agents` adds -> where it is in `classify_user_agents`; ``device`` is Copernica's own and stays."""


def classify_user_agents(
    data: Any, *, bare_names: BareNames = "unknown", rules: str | Path | None = None
) -> pd.DataFrame:
    """Return what is known of each distinct user agent.

    Parameters
    ----------
    data : pandas.Series, list, Arrow or Polars column, or frame
        User agents, repeated or not, null where none was sent; or a frame or table with a ``useragent`` column.
    bare_names : {"unknown", "bot"}
        The kind of a name with neither system nor engine, such as ``Example/1.0``. Most are machines, and some are
        programs that people read in: of labelled user agents, "bot" finds 96% of the robots in place of 91%, and calls
        0.5% of browsers and 1% of mail programs a machine in place of 0.2% and 0.3%.
    rules : path, optional
        A TOML file with rules of your own, in the form of the package's ``rules.toml``. They are asked before ours.

    Returns
    -------
    pandas.DataFrame
        One row per distinct user agent, ordered by it, null last. All columns are text, but for ``is_mail``:

        - ``useragent``: as given; null once if any was null.
        - ``client``: the program: a mail client, the browser of a webmail, or another; null where it is not known.
        - ``client_version``: its first two numbers; null where not said.
        - ``is_mail``: true where the program reads mail, or is the image proxy of a mailbox; false for browsers, which
          show webmail too, and where the program is not known.
        - ``os``: Windows, macOS, iOS, Android, Linux, Chrome OS, other, unknown.
        - ``device``: desktop, mobile, tablet, unknown. ``os`` and ``device`` of a proxy or a prefetch are unknown,
          because what it claims is made up; those of a bot are what it claims.
        - ``kind``: person, proxy, prefetch, bot, unknown. Unknown is what says neither system nor engine.
        - ``rule``: the id of the rule that decided: one of `rules`; ``crawler-user-agents``, ``ua-parser-spider`` or
          ``ua-parser`` for the lists of those packages; ``named-program`` where the only unfamiliar ``Name/version``
          was taken for the program; ``bare-name`` where there is a name with neither system nor engine,
          ``robot-name`` where that name tells of a robot's work; null where nothing is known.

        Of no user agents: no rows.

    Raises
    ------
    InvalidArgumentError
        A value is not text, ``bare_names`` is neither, or ``rules`` holds what is not a rule.
    MissingColumnError
        A frame has no ``useragent`` column.

    Examples
    --------
    >>> classify_user_agents(["Mozilla/5.0", "Microsoft Outlook 2007, WinXP"])[["client", "os", "kind", "rule"]]
           client       os      kind           rule
    0     Outlook  Windows    person        outlook
    1  Apple Mail  unknown  prefetch  apple-privacy
    """
    import pandas as pd

    distinct = _series(_column(data)).unique()  # a null may be None, NaN or NA, each distinct from the others
    agents = list(dict.fromkeys(None if pd.isna(agent) else agent for agent in distinct))
    return _dimension(agents, _options(bare_names, rules)).sort_values(
        "useragent", ignore_index=True, na_position="last"
    )


def with_user_agents(
    frame: pd.DataFrame,
    *,
    ip_ranges: str | Path | Iterable[str] | None = None,
    bare_names: BareNames = "unknown",
    rules: str | Path | None = None,
) -> pd.DataFrame:
    """Return the frame with what is known of each row's user agent.

    Parameters
    ----------
    frame : pandas.DataFrame
        Impressions or clicks, with a ``useragent`` column; it is not changed.
    ip_ranges : path or iterable of str, optional
        Ranges of addresses of Apple's relays or of scanners, for the bare ``Mozilla/5.0`` that anybody could send: a
        CSV file with a range in its first column, as Apple publishes its own, or the ranges. They change: take the
        list of the time of the opens. Nothing is shipped, and an address alone never makes a prefetch.
    bare_names : {"unknown", "bot"}
        The kind of a name with neither system nor engine, as in `classify_user_agents`.
    rules : path, optional
        A TOML file with rules of your own, as in `classify_user_agents`.

    Returns
    -------
    pandas.DataFrame
        The same rows, in their order, with the categories ``client``, ``client_version``, ``os``,
        ``useragent_device`` (ours; Copernica's own ``device`` stays), ``kind`` and ``rule`` and the boolean ``is_mail``
        as in `classify_user_agents`. With ``ip_ranges`` also the boolean ``in_ip_ranges``, of the rows with a
        bare ``Mozilla/5.0``: true where the address lies in the ranges, false where it does not; null for every other
        row and where there is no address. An address in Apple's ranges proves that Apple fetched the image, not that
        nobody read: Apple fetches for readers too.

    Raises
    ------
    MissingColumnError
        There is no ``useragent`` column, or no ``ip`` column for ``ip_ranges``.
    InvalidArgumentError
        A user agent is not text, ``ip_ranges`` or ``rules`` cannot be read, or ``bare_names`` is not a choice.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({"useragent": ["Mozilla/5.0", None], "ip": ["172.224.226.1", "192.0.2.7"]})
    >>> with_user_agents(opens, ip_ranges=["172.224.226.0/31"])[["kind", "in_ip_ranges"]]
           kind  in_ip_ranges
    0  prefetch          True
    1   unknown          <NA>
    """
    import pandas as pd

    agents, place, codes = _distinct(_column(frame))
    dimension = _dimension(agents, _options(bare_names, rules))
    added: dict[str, Any] = {}
    for name, source in ADDED_COLUMNS.items():
        of_code = pd.Categorical(dimension[source]).take(place, allow_fill=True)
        of_row = pd.Categorical.from_codes(of_code.codes[codes], dtype=of_code.dtype, validate=False)
        added[name] = pd.Series(of_row, index=frame.index)
    added["is_mail"] = added["is_mail"].astype("bool")
    if ip_ranges is not None:
        added["in_ip_ranges"] = _in_ip_ranges(frame, added["rule"], AddressRanges.of(ip_ranges))
    return frame.assign(**added)


def rules() -> pd.DataFrame:
    r"""Return the rule table, in the order in which it is asked: the first rule that matches decides.

    Returns
    -------
    pandas.DataFrame
        One row per rule: ``id``, ``pattern``, ``client``, ``is_mail``, ``os``, ``device``, ``kind``, ``meaning``,
        ``source``, ``since`` (the version of the table) and ``example``; null where the rule leaves it to the user
        agent. A client ``$1`` is the first group of the pattern.

    Examples
    --------
    >>> rules().set_index("id").loc["apple-privacy", ["pattern", "client", "kind"]].tolist()
    ['^Mozilla/5\\.0$', 'Apple Mail', 'prefetch']
    """
    import pandas as pd

    columns = ["id", "pattern", "client", "is_mail", "os", "device", "kind", "meaning", "source", "since", "example"]
    rows = [{**asdict(rule), "pattern": rule.regex, "is_mail": rule.is_mail} for rule in RULES]
    return pd.DataFrame(rows, columns=columns).astype({name: "str" for name in columns if name != "is_mail"})


def _in_ip_ranges(frame: pd.DataFrame, rule: pd.Series[Any], ranges: AddressRanges) -> pd.Series[Any]:
    """Return whether the addresses of bare user agents lie in the ranges."""
    import pandas as pd

    if "ip" not in frame:
        raise _missing("ip", frame.columns, "ip_ranges")
    bare = (rule == BARE_RULE).to_numpy()
    codes, addresses = pd.factorize(frame["ip"][bare])
    of_address = pd.array([*map(ranges.holds, addresses), None], dtype="boolean")  # a null's code, -1, takes the last
    result = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    result[bare] = of_address[codes]
    return result


def _column(data: Any) -> Any:
    """Return the user agents in what was given: a frame's column, or all of it."""
    names = getattr(data, "column_names", getattr(data, "columns", None))
    if names is None:
        return data
    if "useragent" not in names:
        raise _missing("useragent", names, "classifying user agents")
    return data["useragent"]


def _missing(column: str, names: Iterable[str], what: str) -> MissingColumnError:
    return MissingColumnError(
        f"{what} needs a column {column!r}; the frame has {', '.join(map(repr, names)) or 'none'}"
    )


def _distinct(values: Any) -> tuple[list[str | None], IntArray, IntArray]:
    """Return the distinct user agents, the place among them of each code (the null's last), and each row's code."""
    import numpy as np
    import pandas as pd

    series = _series(values)
    if not isinstance(series.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(series)
        series = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(distinct), validate=False))
    used = np.zeros(len(series.cat.categories) + 1, dtype=bool)
    codes = series.array.codes
    used[codes] = True
    agents = [agent for agent, is_used in zip([*series.cat.categories, None], used, strict=True) if is_used]
    return agents, np.cumsum(used) - 1, codes


def _series(values: Any) -> pd.Series[Any]:
    import pandas as pd

    if hasattr(values, "to_pandas"):  # an Arrow or Polars column
        values = values.to_pandas()
    return pd.Series(values, dtype="object" if isinstance(values, list | tuple) else None)


class _Options(NamedTuple):
    """How the user wants user agents to be judged."""

    bare_names: BareNames
    own: Rulebook | None


def _options(bare_names: BareNames, rules: str | Path | None) -> _Options:
    if bare_names not in get_args(BareNames):
        raise InvalidArgumentError(f"bare_names must be 'unknown' or 'bot', got {bare_names!r:.80}")
    return _Options(bare_names, None if rules is None else read_own_rules(rules))


def _dimension(agents: list[str | None], options: _Options) -> pd.DataFrame:
    """Return one row per agent, in their order."""
    import pandas as pd

    rows = [(agent, *judge(_text(agent), options.own)) for agent in agents]
    frame = pd.DataFrame(rows, columns=["useragent", *Judgement._fields])
    frame.loc[frame["rule"] == BARE_NAME, "kind"] = options.bare_names
    return frame.astype({name: "bool" if name == "is_mail" else "str" for name in frame.columns})


def _text(agent: object) -> str:
    if agent is None:
        return ""
    if not isinstance(agent, str):
        raise _not_text(agent, f"it is of type {type(agent).__name__}")
    try:
        agent.encode()
    except UnicodeEncodeError as error:
        raise _not_text(agent, "it holds half of a surrogate pair") from error
    return agent


def _not_text(agent: object, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"a user agent must be text or null, got {agent!r:.80}: {why}; give the useragent column, decoded as UTF-8"
    )
