"""The dimensions of an export: mailings with their rates, days, user agents, recipients, providers and countries."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.archive.facts import Changes, ExportTable, Part, described, to_utc
from impressions_analytics.archive.model import CALENDAR, DAY, Field, FieldType, fact_fields
from impressions_analytics.archive.named import Named
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.privacy import LARGE_PROVIDERS, large_provider, pseudonym, pseudonymise
from impressions_analytics.columns import Family, arrow_schema
from impressions_analytics.parquet.layout import ROWS_PER_GROUP

if TYPE_CHECKING:
    import pyarrow as pa

    from impressions_analytics.archive.star_figures import StarFigures

_CALENDAR = (
    Field(DAY, "day", "the day, in the wall clock of the account", False),
    Field("iso_week", "text", "the ISO week, such as 2026-W01; it begins on Monday"),
    Field("month", "text", "the month, such as 2026-01"),
    Field("quarter", "text", "the quarter, such as 2026-Q1"),
    Field("year", "integer", "the year"),
    Field("weekday", "integer", "1 for Monday to 7 for Sunday"),
    Field("weekday_name", "text", "the name of the day of the week"),
    Field("is_weekend", "boolean", "whether it is a Saturday or a Sunday"),
    Field("dutch_holiday", "text", "the name of the Dutch public holiday; null on other days"),
)
_USER_AGENTS = (
    Field("user_agent", "text", "what the fetching program said it is", False, "useragent"),
    Field("client", "text", "the program: a mail client, a browser or another; null where not known", True, "client"),
    Field("client_version", "text", "the first two numbers of its version", True, "client_version"),
    Field("is_mail", "boolean", "whether the program reads mail, or is the image proxy of a mailbox", True, "is_mail"),
    Field("operating_system", "text", "the system that it ran on", True, "os"),
    Field("classified_device", "text", "desktop, mobile, tablet or unknown, as this package judges", True, "device"),
    Field("open_kind", "text", "the kind of open: person, proxy, prefetch, bot or unknown", True, "kind"),
    Field("rule", "text", "the rule that decided", True, "rule"),
)
_RECIPIENTS = (
    Field("profile_id", "integer", "the recipient", False, "profile"),
    Field("first_seen_at", "moment", "the first moment at which anything happened to a message of theirs", True,
          "first"),
    Field("last_seen_at", "moment", "the last such moment", True, "last"),
    Field("segment", "text", "how recently and how often they opened, at the end of what was loaded", True, "segment"),
)  # fmt: skip
_PROVIDERS = (
    Field("email_domain", "text", "what follows the @ in the addresses of recipients", False),
    Field("is_large_provider", "boolean", "whether so many people have a mailbox there that it tells nobody apart"),
)
_COUNTRIES = (
    Field("country", "text", "the code of the country", False),
    Field("country_name", "text", "the name of the country"),
)


def dimension_tables(
    kinds: Sequence[KindPartitions], named: Named, figures: StarFigures, changes: Changes
) -> list[ExportTable]:
    """Return the dimensions of what the facts name; one that no fact can point to is left out."""
    mailings = _mailings(kinds, named, figures, changes.key)
    tables = [_table("mailings", "one row is a mailing, with its rates", *mailings, changes)]
    if named.has_agents:
        agents = _user_agents(named, changes.no_agent)
        tables.append(_table("user_agents", "one row is a program that fetched", _USER_AGENTS, agents, changes))
    if named.seen is not None:
        recipients = _recipients(named.seen, figures, changes.key)
        tables.append(_table("recipients", "one row is a recipient", _RECIPIENTS, recipients, changes))
    if named.has_places:
        providers = _providers(named, changes.key)
        tables.append(_table("providers", "one row is where mailboxes are", _PROVIDERS, providers, changes))
        tables.append(_table("countries", "one row is a country", _COUNTRIES, _countries(named), changes))
    if named.first is not None and named.last is not None:
        days = _calendar(named.first, named.last)
        tables.insert(1, _table(CALENDAR, "one row is a day; whole years", _CALENDAR, days, changes))
    return tables


def _table(name: str, meaning: str, fields: Sequence[Field], frame: pd.DataFrame, changes: Changes) -> ExportTable:
    rows = _typed(fields, frame, changes)
    part = Part("", _digest(rows), _giving(rows))
    return ExportTable(name, meaning, tuple(fields), (fields[0].name,), (part,), changes.utc)


def _giving(rows: pa.Table) -> Callable[[], Iterator[pa.Table]]:
    return lambda: iter([rows])


def _typed(fields: Sequence[Field], frame: pd.DataFrame, changes: Changes) -> pa.Table:
    """Return a frame as the rows of a table of the model: ordered by its key, and with the types of its fields."""
    import pyarrow as pa

    types: dict[FieldType, Any] = {
        "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "text": pa.string(),
        "day": pa.date32(), "moment": pa.timestamp("us"),
    }  # fmt: skip
    columns = {
        field.name: pa.array(frame[field.source or field.name], types[field.type], from_pandas=True) for field in fields
    }
    rows = pa.table(columns).sort_by(fields[0].name)
    for field in fields if changes.utc else ():
        rows = to_utc(rows, field.name, changes.zone) if field.type == "moment" else rows
    return pa.table(rows.columns, schema=described(fields, rows.columns))


def _digest(rows: pa.Table) -> str:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return hashlib.blake2b(sink.getvalue(), digest_size=16).hexdigest()


def _mailings(
    kinds: Sequence[KindPartitions], named: Named, figures: StarFigures, key: bytes | None
) -> tuple[tuple[Field, ...], pd.DataFrame]:
    """Return a row for each mailing that the facts or the list of emailings name, with its figures."""
    listed = _emailings(kinds, named, key)
    counted = figures.of_mailings()
    numbers = named.values["mailing"] - {None} | set(listed["ID"]) | set(counted["mailing"])
    frame = pd.DataFrame({"mailing_id": pd.array(sorted(numbers), "int64")})
    frame = frame.merge(listed.rename(columns={"ID": "mailing_id"}), how="left", on="mailing_id")
    sent = frame["timestamp"].dt.date
    frame = frame.assign(sent_on=sent).merge(
        counted.rename(columns={"mailing": "mailing_id"}), how="left", on="mailing_id"
    )
    return (*_mailing_fields(kinds[0].family), *_figure_fields(counted, figures.meanings())), frame


def _mailing_fields(family: Family) -> tuple[Field, ...]:
    """Return the columns of the list of emailings; a mailing that is not on the list has nulls in all but its key."""
    return tuple(
        replace(field, nullable=field.source != "ID", source="" if field.source == "ID" else field.source)
        for field in fact_fields("emailings", family)
    )


def _figure_fields(counted: pd.DataFrame, meanings: dict[str, str]) -> tuple[Field, ...]:
    def type_of(name: str) -> FieldType:
        if name == "not_covered":
            return "text"
        return "number" if counted[name].dtype.kind == "f" else "integer"

    without = "which input does not cover the mailing; its rates are null then"
    names = [name for name in counted.columns if name != "mailing"]
    return tuple(Field(name, type_of(name), meanings.get(name, without), figure=True) for name in names)


def _emailings(kinds: Sequence[KindPartitions], named: Named, key: bytes | None) -> pd.DataFrame:
    """Return the list of emailings, if it is among the kinds; its days belong into the calendar."""
    import pyarrow as pa

    found = [arrow_schema("emailings", kinds[0].family).empty_table()]
    for partitions in (one for one in kinds if one.kind == "emailings"):
        for relative in partitions.files():
            found += [rows.cast(found[0].schema) for rows in partitions.rows_of(relative, ROWS_PER_GROUP)]
    rows = pa.concat_tables(found)
    if key is not None:
        rows = pseudonymise(rows, "emailings", key)
    named.happened(rows["timestamp"])
    frame: pd.DataFrame = rows.to_pandas(integer_object_nulls=True)
    return frame.drop_duplicates("ID", keep="last")


def _user_agents(named: Named, no_agent: str) -> pd.DataFrame:
    from impressions_analytics.user_agents import classify_user_agents

    found = sorted({text or "" for text in named.values["useragent"]})
    judged = classify_user_agents(pd.Series(found, dtype="str"))
    return judged.replace({"useragent": {"": no_agent}})


def _recipients(seen: pa.Table, figures: StarFigures, key: bytes | None) -> pd.DataFrame:
    segments = figures.of_recipients()[["profile", "segment"]]
    frame: pd.DataFrame = seen.to_pandas().merge(segments, how="left", on="profile")
    if key is not None:
        frame["profile"] = [pseudonym(number, "profile", key) for number in frame["profile"]]
    return frame


def _providers(named: Named, key: bytes | None) -> pd.DataFrame:
    domains = named.values["email_domain"] - {None}
    domains = domains if key is None else {large_provider(domain) for domain in domains}
    frame = pd.DataFrame({"email_domain": pd.Series(sorted(domains), dtype="str")})
    return frame.assign(is_large_provider=frame["email_domain"].isin(LARGE_PROVIDERS))


def _countries(named: Named) -> pd.DataFrame:
    codes = sorted(named.values["country"] - {None})
    return pd.DataFrame({"country": codes, "country_name": [named.countries.get(code) for code in codes]}, dtype="str")


def _calendar(first: dt.date, last: dt.date) -> pd.DataFrame:
    """Return every day of the years between two days."""
    import holidays

    years = range(first.year, last.year + 1)
    days = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-31", unit="us").to_series()
    free = holidays.country_holidays("NL", years=years, language="nl")
    quarter = days.dt.year.astype("str") + "-Q" + days.dt.quarter.astype("str")
    return pd.DataFrame({
        DAY: days.dt.date, "iso_week": days.dt.strftime("%G-W%V"), "month": days.dt.strftime("%Y-%m"),
        "quarter": quarter, "year": days.dt.year, "weekday": days.dt.day_of_week + 1,
        "weekday_name": days.dt.day_name(),
        "is_weekend": days.dt.day_of_week >= 5, "dutch_holiday": [free.get(day) for day in days.dt.date],
    })  # fmt: skip
