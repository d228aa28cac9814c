"""At which providers, and from which countries, the mail was opened: what only the daily log files can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from impressions_analytics.analytics.classes import MACHINES, classes_of
from impressions_analytics.analytics.kinds_of_open import chosen_kinds
from impressions_analytics.analytics.rates import interval_names, wilson
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.errors import AnalysisError, InvalidArgumentError, MissingColumnError

_RATES = {
    "open_rate_low": ("opened_not_only_by_machines", "messages_delivered"),
    "open_rate_high": ("opened_messages", "messages_delivered"),
    "bounce_rate": ("messages_bounced", "messages_known"),
}
_COUNTS = ("messages_delivered", "opened_messages", "opened_not_only_by_machines", "messages_bounced")


def provider_breakdown(impressions: Any, *, deliveries: Any, errors: Any, destinations: Any = None) -> pd.DataFrame:
    """Count deliveries, opens and bounces per provider of the recipients: gmail.com, outlook.com, ziggo.nl and so on.

    Parameters
    ----------
    impressions, deliveries, errors : frame or Archive
        Daily log files of the same days, from `load_log`, several days joined by ``pandas.concat``, or an archive
        that keeps them. An open or a bounce counts where the log of deliveries has its message, or else has not.
    destinations : frame or Archive, optional
        Destinations with ``message`` and ``mailing``. They tie the messages to mailings: only theirs are counted then,
        and each mailing has rows of its own.

    Returns
    -------
    DataFrame
        One row per provider (and mailing), most delivered messages first, then by name. Columns:

        =============================== ======= ===================================================================
        ``mailing``                     int64   only where `destinations` are given
        ``provider``                    str     the domain of the recipients' addresses; ``"unknown"`` if there is none
        ``messages_delivered``          int64   D, distinct messages in the log of deliveries
        ``opened_messages``             int64   those of D with an impression
        ``opened_not_only_by_machines`` int64   those of D with an impression that is not known to be a machine's
        ``messages_bounced``            int64   distinct messages with an error that were not delivered
        ``open_rate_low``               float64 opened_not_only_by_machines / D, with its 95% Wilson interval
        ``open_rate_high``              float64 opened_messages / D, with its interval
        ``bounce_rate``                 float64 messages_bounced / (messages_bounced + D), with its interval
        =============================== ======= ===================================================================

        ``attrs["opened_not_delivered"]`` counts messages that were opened and are in no log of deliveries here: the
        logs do not cover the same mail.

    Raises
    ------
    MissingColumnError
        A needed column is absent.
    AnalysisError
        A log is of another kind, or no destination carries its message.

    Examples
    --------
    >>> opened = pd.DataFrame({"message": ["a", "a"], "email_domain": "ziggo.nl", "useragent": "Thunderbird/128.0"})
    >>> delivered = pd.DataFrame({"message": ["a", "b"], "email_domain": "ziggo.nl"})
    >>> failed = pd.DataFrame({"message": ["c"], "email_domain": ["ziggo.nl"]})
    >>> provider_breakdown(opened, deliveries=delivered, errors=failed).loc[0, "open_rate_high"]
    np.float64(0.5)
    """
    sent = _log(deliveries, "deliveries", ("message", "email_domain"))
    failed = _log(errors, "errors", ("message", "email_domain"))
    opens = _log(impressions, "impressions", ("message", "useragent"))
    delivered = sent.drop_duplicates("message").assign(what="messages_delivered")
    bounced = failed[~failed["message"].isin(delivered["message"])].drop_duplicates("message")
    messages = pd.concat([delivered, bounced.assign(what="messages_bounced")])
    kind = _kinds(opens)
    human = opens.loc[~kind.isin(MACHINES), "message"]
    messages["opened_messages"] = messages["message"].isin(opens["message"])
    messages["opened_not_only_by_machines"] = messages["message"].isin(human)
    groups = ["provider"] if destinations is None else ["mailing", "provider"]
    rows = _of_mailings(messages.assign(provider=_named(messages["email_domain"])), destinations)
    result = _with_rates(_counted(rows, groups), groups)
    inside = opens["message"].isin(delivered["message"])
    result.attrs["opened_not_delivered"] = int(opens.loc[~inside, "message"].nunique())
    return result


def country_breakdown(
    impressions: Any, *, destinations: Any = None, kinds: str | Sequence[str] | None = "person"
) -> pd.DataFrame:
    """Count opens per country of the address that asked for the images.

    Parameters
    ----------
    impressions : frame or Archive
        Daily log files, from `load_log`, or an archive that keeps them.
    destinations : frame or Archive, optional
        Destinations with ``message`` and ``mailing``: only their messages are counted then, and each mailing has rows
        of its own.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when None. A proxy or a prefetch asks from where its provider's machines
        are, which tells nothing of the reader.

    Returns
    -------
    DataFrame
        One row per country (and mailing), most impressions first, then by name. Columns:

        ===================== ======= =========================================================================
        ``mailing``           int64   only where `destinations` are given
        ``country``           str     the code of the country; ``"unknown"`` if there is none
        ``impressions``       int64   impression rows
        ``opened_messages``   int64   distinct messages with an impression from the country
        ``share_of_messages`` float64 opened_messages / distinct messages of all countries (of the mailing)
        ===================== ======= =========================================================================

        A message that was opened in two countries counts in both. ``attrs["kinds"]`` names the kinds that are counted.

    Examples
    --------
    >>> opened = pd.DataFrame({"message": ["a", "a", "b"], "country": ["NL", "BE", "NL"], "useragent": "Thunderbird/1"})
    >>> country_breakdown(opened)
      country  impressions  opened_messages  share_of_messages
    0      NL            2                2                1.0
    1      BE            1                1                0.5
    """
    wanted = chosen_kinds(kinds)
    opens = _log(impressions, "impressions", ("message", "country", "useragent"))
    opens = opens[_kinds(opens).isin(wanted)]
    groups = ["country"] if destinations is None else ["mailing", "country"]
    rows = _of_mailings(opens.assign(country=_named(opens["country"])), destinations)
    grouped = rows.groupby(groups, observed=True)["message"]
    counted = grouped.agg(impressions="size", opened_messages="nunique").reset_index()
    if destinations is None:
        counted["share_of_messages"] = counted["opened_messages"] / max(rows["message"].nunique(), 1)
    else:
        whole = rows.groupby("mailing")["message"].nunique()
        counted["share_of_messages"] = counted["opened_messages"] / counted["mailing"].map(whole)
    types = {"country": "str", "impressions": "int64", "opened_messages": "int64", "share_of_messages": "float64"}
    result = _ordered(counted, groups, "impressions").astype(_typed(groups, types))
    result.attrs["kinds"] = list(wanted)
    return result


def _log(data: Any, kind: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return the needed columns of a log from whatever holds it."""
    if callable(getattr(data, "read_log", None)):
        data = data.read_log(kind)
    elif not isinstance(data, pd.DataFrame) and callable(getattr(data, "to_pandas", None)):
        data = data.to_pandas()
    if not isinstance(data, pd.DataFrame):
        raise InvalidArgumentError(
            f"the log of {kind} is a {type(data).__name__}; give a frame from ia.load_log, or an archive that keeps it"
        )
    told = (data.attrs.get("load") or {}).get("kind", f"log of {kind}")
    if told != f"log of {kind}":
        raise AnalysisError(
            f"a {told} was given where the log of {kind} is needed: ia.load_log({kind!r}, ...) gives it"
        )
    for column in columns:
        if column not in data:
            raise MissingColumnError(f"the log of {kind} has no column {column!r}: ia.load_log gives one")
    return data[list(columns)].reset_index(drop=True)


def _kinds(opens: pd.DataFrame) -> pd.Series[str]:
    """Return the kind of each open."""
    told = opens["useragent"].astype("str")
    known = classes_of(pd.Series(told.dropna().unique(), dtype="str")).set_index("useragent")["classified_kind"]
    return told.map(known).fillna("unknown")


def _named(values: pd.Series[Any]) -> pd.Series[str]:
    return values.astype("str").fillna("unknown")


def _of_mailings(rows: pd.DataFrame, destinations: Any) -> pd.DataFrame:
    """Give each row the mailing of its message; a row of no given destination is left out."""
    if destinations is None:
        return rows
    if callable(getattr(destinations, "read_log", None)):
        destinations = destinations.read("destinations", columns=["message", "mailing"])
    for column in ("message", "mailing"):
        if column not in destinations:
            raise MissingColumnError(f"the destinations have no column {column!r}: ia.load_destinations gives one")
    known = destinations[["message", "mailing"]].dropna().drop_duplicates("message")
    if known.empty and len(destinations):
        raise AnalysisError(
            "the destinations carry no message, so that nothing ties a log to them: the API of 2019 does not send it; "
            "load them with version 3 or 4"
        )
    return rows.merge(known, on="message")


def _counted(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    delivered = rows["what"] == "messages_delivered"
    counts = {
        "messages_delivered": delivered,
        "opened_messages": delivered & rows["opened_messages"],
        "opened_not_only_by_machines": delivered & rows["opened_not_only_by_machines"],
        "messages_bounced": ~delivered,
    }
    keys = rows[groups]
    return keys.assign(**counts).groupby(groups, observed=True)[list(_COUNTS)].sum().reset_index()


def _with_rates(counted: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    types = {"provider": "str", **dict.fromkeys(_COUNTS, "int64")}
    counted = _ordered(counted, groups, "messages_delivered").astype(_typed(groups, types))
    counted["messages_known"] = counted["messages_delivered"] + counted["messages_bounced"]
    counted["place"] = range(len(counted))
    source = open_input(counted, RequiredColumns("impressions", (), by=tuple(counted.columns)))
    table = source.table
    rates = [wilson(name, table[count], table[total]) for name, (count, total) in _RATES.items()]
    expressions = {name: expression for rate in rates for name, expression in rate.items()}
    dtypes = _typed(groups, types) | {name: "float64" for rate in _RATES for name in interval_names(rate)}
    result: pd.DataFrame = source.deliver(table.mutate(**expressions).order_by("place"), dtypes)
    return result


def _typed(groups: list[str], types: dict[str, str]) -> dict[str, str]:
    return {**({"mailing": "int64"} if "mailing" in groups else {}), **types}


def _ordered(counted: pd.DataFrame, groups: list[str], by: str) -> pd.DataFrame:
    keys = [group for group in groups if group == "mailing"] + [by] + [group for group in groups if group != "mailing"]
    return counted.sort_values(keys, ascending=[key != by for key in keys], ignore_index=True)
