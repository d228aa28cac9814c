"""What a user agent says of the program that fetched: which client, which system, and was it a person at all.

Each distinct user agent is judged once. The rules of ``user_agent_rules.toml`` come first, because they know mail;
where none decides, the list of ``crawler-user-agents`` says what is a bot, and ``ua-parser`` names browser and system.

A kind is what the user agent shows, no more: ``person`` means that no sign of a machine was seen, ``proxy`` that the
mailbox fetched when the message was opened, ``prefetch`` that the mailbox fetched before anybody need have looked.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from impressions_analytics.errors import InvalidArgumentError, MissingColumnError
from impressions_analytics.user_agent_judge import Judgement, judge
from impressions_analytics.user_agent_rules import RULES, RULES_VERSION

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["RULES_VERSION", "classify_user_agents", "rules", "with_user_agents"]

ADDED_COLUMNS = {
    "client": "client",
    "client_version": "client_version",
    "os": "os",
    "useragent_device": "device",
    "kind": "kind",
    "rule": "rule",
}
"""What `with_user_agents` adds -> where it is in `classify_user_agents`; ``device`` is Copernica's own and stays."""


def classify_user_agents(data: Any) -> pd.DataFrame:
    """Return what is known of each distinct user agent.

    Parameters
    ----------
    data : pandas.Series, pandas.Index, list, pyarrow.Array or pandas.DataFrame
        User agents, repeated or not, null where none was sent; or a frame with a ``useragent`` column.

    Returns
    -------
    pandas.DataFrame
        One row per distinct user agent, ordered by it, null last. All columns are text:

        - ``useragent``: as given; null once if any was null.
        - ``client``: a mail client, or the browser of a webmail; null where neither is known.
        - ``client_version``: its first two numbers; null where not said.
        - ``os``: Windows, macOS, iOS, Android, Linux, Chrome OS, other, unknown.
        - ``device``: desktop, mobile, tablet, unknown. ``os`` and ``device`` of a proxy or a prefetch are unknown,
          because what it claims is made up; those of a bot are what it claims.
        - ``kind``: person, proxy, prefetch, bot, unknown. Unknown is what says neither client nor system.
        - ``rule``: the id of the rule that decided, of `rules` or one of ``crawler-user-agents``,
          ``ua-parser-spider``, ``ua-parser``; null where none knew the user agent.

        Of no user agents: no rows.

    Raises
    ------
    InvalidArgumentError
        A value is not text, or the data has more than one column and none is ``useragent``.

    Examples
    --------
    >>> classify_user_agents(["Mozilla/5.0", "Microsoft Outlook 2007, WinXP"])[["client", "os", "kind", "rule"]]
           client       os      kind           rule
    0     Outlook  Windows    person        outlook
    1  Apple Mail  unknown  prefetch  apple-privacy
    """
    categories, _ = _distinct(_column(data))
    return _dimension(categories).sort_values("useragent", ignore_index=True, na_position="last")


def with_user_agents(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with what is known of each row's user agent.

    Parameters
    ----------
    frame : pandas.DataFrame
        Impressions or clicks, with a ``useragent`` column; it is not changed.

    Returns
    -------
    pandas.DataFrame
        The same rows, in their order, with the categories ``client``, ``client_version``, ``os``,
        ``useragent_device`` (ours; Copernica's own ``device`` stays), ``kind`` and ``rule`` as in
        `classify_user_agents`.

    Raises
    ------
    MissingColumnError
        There is no ``useragent`` column.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({"destination": [1, 2], "useragent": ["Mozilla/5.0", None]})
    >>> with_user_agents(opens)[["destination", "kind"]]
       destination      kind
    0            1  prefetch
    1            2   unknown
    """
    import pandas as pd

    categories, codes = _distinct(_column(frame))
    dimension = _dimension(categories)
    added = {}
    for name, source in ADDED_COLUMNS.items():
        of_agent = pd.Categorical(dimension[source])
        of_row = of_agent.codes[codes]
        added[name] = pd.Series(pd.Categorical.from_codes(of_row, dtype=of_agent.dtype), index=frame.index)
    return frame.assign(**added)


def rules() -> pd.DataFrame:
    r"""Return the rule table, in the order in which it is asked: the first rule that matches decides.

    Returns
    -------
    pandas.DataFrame
        One row per rule: ``id``, ``pattern``, ``client``, ``os``, ``device``, ``kind``, ``meaning``, ``source``,
        ``example``; null where the rule leaves it to the user agent.

    Examples
    --------
    >>> rules().set_index("id").loc["apple-privacy", ["pattern", "client", "kind"]].tolist()
    ['^Mozilla/5\\.0$', 'Apple Mail', 'prefetch']
    """
    import pandas as pd

    columns = ["id", "pattern", "client", "os", "device", "kind", "meaning", "source", "example"]
    return pd.DataFrame([asdict(rule) for rule in RULES], columns=columns, dtype="str")


def _column(data: Any) -> Any:
    """Return the user agents in what was given."""
    import pandas as pd

    if not isinstance(data, pd.DataFrame):
        return data
    if "useragent" not in data:
        raise MissingColumnError(
            f"classifying user agents needs a column 'useragent'; the frame has {', '.join(map(repr, data.columns))}"
        )
    return data["useragent"]


def _distinct(values: Any) -> tuple[list[str | None], np.ndarray[Any, Any]]:
    """Return the distinct user agents, and which of them each row has."""
    import numpy as np
    import pandas as pd

    if hasattr(values, "to_pandas"):  # an Arrow array
        values = values.to_pandas()
    series = pd.Series(values, dtype=None if len(values) else "str")
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        used = np.zeros(len(series.cat.categories) + 1, dtype=bool)
        used[codes] = True
        agents: list[str | None] = [*series.cat.categories, None]
        place = np.cumsum(used) - 1
        return [agent for agent, is_used in zip(agents, used, strict=True) if is_used], place[codes]
    codes, distinct = pd.factorize(series, use_na_sentinel=False)
    return [None if pd.isna(agent) else agent for agent in distinct], codes


def _dimension(agents: list[str | None]) -> pd.DataFrame:
    """Return one row per agent, in their order."""
    import pandas as pd

    rows = [(agent, *judge(_text(agent))) for agent in agents]
    return pd.DataFrame(rows, columns=["useragent", *Judgement._fields]).astype("str")


def _text(agent: object) -> str:
    if agent is None:
        return ""
    if not isinstance(agent, str):
        raise InvalidArgumentError(
            f"a user agent must be text or null, got {agent!r} ({type(agent).__name__}); give the useragent column"
        )
    return agent
