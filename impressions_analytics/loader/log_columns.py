"""The columns of Copernica's daily log files: what a record is called in a file, and what becomes of it in a frame.

A record tells of one message, by the text that a destination's column `message` holds. It has no number of its own,
and but for the attempts no mailing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from impressions_analytics.columns import Column, ColumnType, Family

if TYPE_CHECKING:
    import pyarrow as pa

LogKind = Literal[
    "impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes", "attempts", "retries"
]  # fmt: skip
LOG_PREFIXES: dict[Family, dict[LogKind, tuple[str, ...]]] = {
    "ms": {
        "impressions": ("cdm-impression",), "clicks": ("cdm-click",), "deliveries": ("cdm-delivery",),
        "errors": ("cdm-error",), "abuses": ("cdm-abuse",), "unsubscribes": ("cdm-unsubscribe",),
        "attempts": ("cdm-attempts",), "retries": ("cdm-retry",),
    },
    "publisher": {
        "impressions": ("pom-impressions",), "clicks": ("pom-clicks", "pom-clicks-old"),
        "deliveries": ("pom-deliveries",), "errors": ("pom-errors",), "abuses": ("pom-abuses",),
        "unsubscribes": ("pom-unsubscribes",), "attempts": ("pom-attempts",), "retries": ("pom-retries",),
    },
}  # fmt: skip
"""What the names of a kind's files begin with; Publisher has clicks of two systems of tracking."""


def _column(name: str, type: ColumnType, meaning: str, *, wire: str = "", **more: Any) -> Column:
    return Column(name, type, meaning, None, nullable=True, required=False, wire=tuple(wire.split()), **more)


_MESSAGE = Column("message", "text", "the message's ID as text, as in the destinations", "b4icbaqjswyrb7tc",
                  wire=("id",))  # fmt: skip
_TIMESTAMP = Column("timestamp", "timestamp", "when it happened", "2016-11-04 11:01:00", wire=("time",))
_EMAIL_DOMAIN = _column("email_domain", "category", "what follows the @ in the recipient's address", wire="email")
_EMAIL = _column("email", "text", "the recipient's address; null unless it was asked for")
_TAGS = _column("tags", "json", "the tags of the mail, as a list")
_SENDER = _column("sender_domain", "category", "the domain that sent the mail", wire="senderdomain")
_WHO = (
    _column("profile", "integer", "the recipient", wire="profile profileid"),
    _column("subprofile", "integer", "the recipient's subprofile", wire="subprofile subprofileid"),
    _column("template", "integer", "the template that was sent", wire="template templateid"),
    _column("document", "integer", "the document that was sent", wire="document documentid", families=("publisher",)),
    _column("group", "integer", "the group that the mail belongs to", wire="groupid", families=("publisher",)),
)
_REQUEST = (
    _column("ip", "address", "the address that asked, IPv4 or IPv6"),
    _column("useragent", "category", "what the asking program said it is", wire="header"),
)
_PLACE = (
    _column("country", "category", "the code of the country, by the address that asked", wire="countrycode"),
    _column("country_name", "category", "the country's name", wire="countryname"),
    _column("region", "category", "the code of the region", wire="regioncode"),
    _column("city", "category", "the city"),
)
_MAIL = (_EMAIL_DOMAIN, _EMAIL, _TAGS, _SENDER, *_WHO)
_ATTEMPTS = _column("attempts", "integer", "tries so far, counted from 0", wire="attempts attempt")

LOG_COLUMNS: dict[LogKind, tuple[Column, ...]] = {
    "impressions": (_MESSAGE, _TIMESTAMP, *_REQUEST, *_PLACE, *_MAIL),
    "clicks": (_MESSAGE, _TIMESTAMP, _column("link_id", "text", "the link's ID", wire="linkinfo"), *_REQUEST, *_PLACE,
               *_MAIL),
    "deliveries": (_MESSAGE, _TIMESTAMP, _ATTEMPTS, *_MAIL),
    "errors": (
        _MESSAGE, _TIMESTAMP,
        _column("errortype", "category", "Copernica's class of the error", wire="type"),
        _column("status", "category", "the extended status code of the receiving server"),
        _column("errorcode", "category", "the reply code of the receiving server", wire="code"),
        _column("description", "text", "what the receiving server said"),
        _column("content", "text", "the message of the error", families=("publisher",)),
        *_MAIL,
    ),
    "abuses": (_MESSAGE, _TIMESTAMP, _column("report", "text", "the complaint; null unless addresses were asked for",
                                             wire="mail"), *_MAIL),
    "unsubscribes": (_MESSAGE, _TIMESTAMP, *_MAIL),
    "attempts": (
        _MESSAGE, _TIMESTAMP, _column("mailing", "integer", "the emailing", wire="mailingid"),
        _column("database", "integer", "the database of the recipient", wire="databaseid"),
        _column("collection", "integer", "the collection of the recipient", wire="collectionid"), *_MAIL,
    ),
    "retries": (_MESSAGE, _TIMESTAMP, _ATTEMPTS, *_MAIL),
}  # fmt: skip
"""Every kind of log file, with the columns of its frame in order."""
NAMING_PERSONS = ("email", "report")
"""Columns that are filled only where addresses are asked for."""


def log_columns_of(kind: LogKind, family: Family = "ms", *, addresses: bool = False) -> tuple[Column, ...]:
    """Return the columns of a log's frame in order.

    Examples
    --------
    >>> [column.name for column in log_columns_of("deliveries")]  # doctest: +NORMALIZE_WHITESPACE
    ['message', 'timestamp', 'attempts', 'email_domain', 'tags', 'sender_domain', 'profile', 'subprofile', 'template']
    """
    return tuple(
        column
        for column in LOG_COLUMNS[kind]
        if family in column.families and (addresses or column.name not in NAMING_PERSONS)
    )


def log_schema(kind: LogKind, family: Family = "ms", *, addresses: bool = False) -> pa.Schema:
    """Return the schema of a log on disk: microseconds, plain strings, and a list of strings for the tags.

    Examples
    --------
    >>> str(log_schema("deliveries").field("tags").type)
    'list<element: string>'
    """
    import pyarrow as pa

    def type_of(column: Column) -> pa.DataType:
        if column.name == "tags":
            return pa.list_(pa.field("element", pa.string()))
        return {"integer": pa.int64(), "timestamp": pa.timestamp("us")}.get(column.type, pa.string())

    return pa.schema([
        pa.field(column.name, type_of(column), nullable=column.nullable)
        for column in log_columns_of(kind, family, addresses=addresses)
    ])  # fmt: skip
