"""What the tables and columns of an export are called: a star of facts and dimensions that needs no renaming.

A fact is a row of the archive: something that happened. A dimension says more of what facts name. Names and meanings
follow from `columns.py`: a new column there is exported under its own name, unless a row here says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from impressions_analytics.archive.kept_logs import LOG_KINDS, log_table
from impressions_analytics.columns import EVENT_KINDS, Column, Family, Kind, columns_of, time_column
from impressions_analytics.loader.log_columns import LogKind, log_columns_of

FieldType = Literal["integer", "number", "boolean", "text", "day", "moment"]

VERBS: dict[str, str] = {
    "impressions": "opened", "clicks": "clicked", "deliveries": "delivered", "errors": "failed",
    "abuses": "complained", "unsubscribes": "unsubscribed", "destinations": "sent", "emailings": "sent",
    "attempts": "attempted", "retries": "retried",
}  # fmt: skip
"""What happened in a row of each kind: `opened_at` is the moment and `opened_on` the day."""

ROW_NUMBERS: dict[Kind, str] = {
    "impressions": "impression_id", "clicks": "click_id", "deliveries": "delivery_id", "errors": "error_id",
    "abuses": "abuse_id", "unsubscribes": "unsubscribe_id", "destinations": "destination_id",
    "emailings": "mailing_id",
}  # fmt: skip
"""What the column ID of each kind is called; it is the key of its table."""

NAMES = {
    "mailing": "mailing_id", "destination": "destination_id", "profile": "profile_id", "subprofile": "subprofile_id",
    "message": "message_id", "template": "template_id", "document": "document_id", "group": "group_id",
    "database": "database_id", "collection": "collection_id", "ip": "ip_address", "useragent": "user_agent",
    "device": "copernica_device", "errorcode": "error_code", "errortype": "error_type",
    "errortypedescription": "error_type_description", "from_name": "sender_name", "from_email": "sender_address",
    "destinations": "messages", "type": "mailing_type",
}  # fmt: skip
"""What a column of a frame is called in an export where its own name does not say enough."""

RELATIONS = {
    "mailing_id": "mailings", "profile_id": "recipients", "user_agent": "user_agents", "email_domain": "providers",
    "country": "countries",
}  # fmt: skip
"""The dimension that a column of a fact points to, under the same name; a column that ends in _on points to a day."""
CALENDAR, DAY = "calendar", "day"


@dataclass(frozen=True, slots=True)
class Field:
    """One column of an export.

    Attributes
    ----------
    name : str
        What it is called in the export.
    type : FieldType
        What it holds.
    meaning : str
        One line for people.
    nullable : bool
        Whether it may be null.
    source : str
        What the archive calls it; empty where the archive has no such column.
    refers_to : str
        The dimension that it points to; empty if it points to none.
    figure : bool
        Whether an analysis gives it.
    """

    name: str
    type: FieldType
    meaning: str
    nullable: bool = True
    source: str = ""
    refers_to: str = ""
    figure: bool = False

    @property
    def key_there(self) -> str:
        """The key of the dimension that it points to."""
        return DAY if self.refers_to == CALENDAR else self.name


_TYPES: dict[str, FieldType] = {"integer": "integer", "timestamp": "moment", "boolean": "boolean"}


def fact_fields(kind: Kind, family: Family = "ms") -> tuple[Field, ...]:
    """Return the columns of the table of a kind, in order; after its moment comes its day.

    Examples
    --------
    >>> [field.name for field in fact_fields("deliveries")]  # doctest: +NORMALIZE_WHITESPACE
    ['delivery_id', 'mailing_id', 'delivered_at', 'delivered_on', 'attempts', 'destination_id', 'profile_id',
     'subprofile_id']
    """
    own = {"ID": ROW_NUMBERS[kind], time_column(kind): f"{VERBS[kind]}_at"}
    return _with_day(columns_of(kind, family), own)


def log_fields(kind: LogKind, family: Family = "ms") -> tuple[Field, ...]:
    """Return the columns of the table of a kind of log, in order.

    Examples
    --------
    >>> [field.name for field in log_fields("deliveries")][:4]
    ['message_id', 'delivered_at', 'delivered_on', 'attempts']
    """
    return _with_day(log_columns_of(kind, family), {"timestamp": f"{VERBS[kind]}_at"})


def _with_day(columns: tuple[Column, ...], own: dict[str, str]) -> tuple[Field, ...]:
    fields: list[Field] = []
    for column in columns:
        name = own.get(column.name) or NAMES.get(column.name, column.name)
        field = Field(
            name, _TYPES.get(column.type, "text"), column.meaning, column.nullable, column.name,
            RELATIONS.get(name, "") if column.name != "ID" else "",
        )  # fmt: skip
        fields.append(field)
        if name.endswith("_at"):
            day = f"the day of {name} in the wall clock of the account"
            fields.append(Field(f"{name.removesuffix('_at')}_on", "day", day, column.nullable, refers_to=CALENDAR))
    return tuple(fields)


FACTS: tuple[Kind, ...] = (*EVENT_KINDS, "destinations")
"""The kinds whose rows are facts; the emailings become the dimension `mailings`."""
DIMENSIONS = ("mailings", CALENDAR, "user_agents", "recipients", "providers", "countries")
TABLE_NAMES = (*FACTS, *map(log_table, LOG_KINDS), *DIMENSIONS)
"""Every table that an export may have."""
