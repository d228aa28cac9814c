"""The words of the field, and the table of event kinds with their columns.

Glossary
--------
emailing, mailing
    One send of one template to many recipients. The API's paths say emailing, its rows say mailing.
destination
    One message to one recipient of one emailing.
profile, subprofile
    The recipient in the customer's database; a subprofile is a row below a profile, often absent.
impression
    One download of the tracked images of one message: an open. Several per destination are normal.
click, delivery, error, abuse, unsubscribe
    The other things that can happen to a destination; each is a *kind* of event.
family
    The product that sent the mail: ``ms`` (Marketing Suite) or ``publisher``; sister endpoints.
    A few columns belong to one family only.

A row in `KINDS` is everything that the package knows of a column. A new row adds it to decoding, frames and Parquet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes", "destinations", "emailings"]
EventKind = Literal["impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes"]
Family = Literal["ms", "publisher"]
ColumnType = Literal["integer", "timestamp", "text", "category", "address", "boolean", "json"]

PANDAS_TYPES: dict[tuple[ColumnType, bool], str] = {
    ("integer", False): "int64",
    ("integer", True): "Int64",
    ("timestamp", False): "datetime64[us]",
    ("timestamp", True): "datetime64[us]",
    ("boolean", True): "boolean",
    ("text", False): "str",
    ("text", True): "str",
    ("category", True): "category",
    ("address", True): "str",
    ("json", True): "str",
}
"""What a column of (type, nullable) is in a pandas frame. A category's categories are strings, sorted."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the frame, its type, and how the API spells it.

    Attributes
    ----------
    name : str
        The name in the frame.
    type : ColumnType
        What it holds; `PANDAS_TYPES` gives the pandas type.
    meaning : str
        One line for people.
    example : object
        A value as the API sends it.
    nullable : bool
        Whether a null is a legal value.
    required : bool
        Whether every row of the API must have the key; a column that is not required is null where it is absent.
    wire : tuple of str
        The keys under which the API may send it; the name itself when empty.
    families : tuple of str
        The families whose frames have the column.
    """

    name: str
    type: ColumnType
    meaning: str
    example: object
    nullable: bool = False
    required: bool = True
    wire: tuple[str, ...] = ()
    families: tuple[Family, ...] = ("ms", "publisher")

    @property
    def pandas_type(self) -> str:
        """The dtype of the column in a pandas frame."""
        return PANDAS_TYPES[self.type, self.nullable]

    @property
    def wire_names(self) -> tuple[str, ...]:
        """The keys under which the API may send the column."""
        return self.wire or (self.name,)


def _integer(name: str, meaning: str, example: object, **more: Any) -> Column:
    return Column(name, "integer", meaning, example, **more)


_ID = _integer("ID", "the event's own number, unique within its kind and family", "1")
_MAILING = _integer("mailing", "the emailing that the message belongs to", "412", wire=("mailing", "emailing"))
_TIMESTAMP = Column(
    "timestamp", "timestamp", "when it happened, in the wall clock of the account", "2014-10-09 13:41:46"
)
_IP = Column("ip", "address", "the address that fetched it, IPv4 or IPv6", "2a03:e280:0:1::1", nullable=True)
_USERAGENT = Column(
    "useragent",
    "category",
    "what the fetching program said it is",
    "Mozilla/5.0 (Ubuntu; X11; Linux x86_64; rv:8.0) Gecko/20100101 Firefox/8.0",
    nullable=True,
    wire=("useragent", "user-agent"),
)
_DEVICE = Column(
    "device", "category", "Copernica's own guess: desktop, tablet, mobile or unknown", "desktop",
    nullable=True, required=False,
)  # fmt: skip
_DESTINATION = _integer("destination", "the message that it happened to", "112")
_PROFILE = _integer("profile", "the recipient", 13453, nullable=True)
_SUBPROFILE = _integer("subprofile", "the recipient's subprofile", None, nullable=True)
_REFERER = Column(
    "referer", "text", "the page that held the image or link", "https://mail.example.com/",
    nullable=True, required=False, families=("publisher",),
)  # fmt: skip
_TO = (_DESTINATION, _PROFILE, _SUBPROFILE)
_PUBLISHER: tuple[Family, ...] = ("publisher",)
_MS: tuple[Family, ...] = ("ms",)


def _text(name: str, meaning: str, example: object, **more: Any) -> Column:
    return Column(name, "text", meaning, example, nullable=True, **more)


def _optional(column: Column, **changes: Any) -> Column:
    """Return the same column where the API may leave it out."""
    values = {field: getattr(column, field) for field in column.__slots__}
    return Column(**{**values, "required": False, "nullable": True, **changes})


KINDS: dict[Kind, tuple[Column, ...]] = {
    "impressions": (_ID, _MAILING, _TIMESTAMP, _IP, _USERAGENT, _DEVICE, *_TO, _REFERER),
    "clicks": (
        _ID, _MAILING, _TIMESTAMP, _text("link", "the address that was clicked", "https://example.com/offer"),
        _optional(_integer("link_id", "the link's own number", "3145"), families=_PUBLISHER),
        _text("link_title", "the link's title", "Offer", required=False, families=_PUBLISHER),
        _IP, _USERAGENT, *_TO, _REFERER,
    ),
    "deliveries": (
        _ID, _MAILING, _TIMESTAMP,
        _integer("attempts", "tries until it was delivered, counted from 0", 1, wire=("attempts", "attempt")),
        _text("smtp_response", "what the receiving server said", "250 OK", required=False, wire=("smtp-response",),
              families=_PUBLISHER),
        *_TO,
    ),
    "errors": (
        _ID, _MAILING, _TIMESTAMP,
        _text("status", "the extended status code of the receiving server", "5.1.1", families=_MS),
        _text("errorcode", "the reply code of the receiving server", "550"),
        _text("description", "what the receiving server said", "user unknown"),
        _text("errortype", "Copernica's class of the error", "bounce"),
        _text("errortypedescription", "Copernica's class of the error in words", "Map domain name to IP address",
              required=False, families=_PUBLISHER),
        *_TO,
    ),
    "abuses": (
        _ID, _MAILING, _TIMESTAMP,
        Column("report", "json", "the complaint as JSON text", {}, nullable=True, families=_MS),
        _text("recognized_as", "the format in which the complaint came", "arf", required=False, families=_PUBLISHER),
        _text("feedback_type", "the kind of complaint", "abuse", required=False, families=_PUBLISHER),
        _text("arf_version", "the version of the format ARF", "0.1", required=False, families=_PUBLISHER),
        _text("details", "further details of the complaint", "", required=False, families=_PUBLISHER),
        *_TO,
    ),
    "unsubscribes": (
        _ID, _MAILING, _TIMESTAMP,
        _text("source", "how the recipient unsubscribed", "list-unsubscribe", required=False),
        _optional(_IP),
        _optional(_USERAGENT),
        Column("success", "boolean", "whether Copernica could carry it out", True, nullable=True, required=False),
        _DESTINATION, _optional(_PROFILE), _optional(_SUBPROFILE),
    ),
    "destinations": (
        _integer("ID", "the message's number, as in the events' destination", "112", wire=("internal", "ID", "id")),
        _MAILING,
        Column("timestampsent", "timestamp", "when the message was sent, in the wall clock of the account",
               "2014-10-09 12:00:00", wire=("timestampsent", "timestamp")),
        _text("message", "the message's ID as text, as in the log files", "b4icbaqjswyrb7tc", required=False,
              wire=("messageID",), families=_MS),
        _text("message", "the message's ID as text, as in the log files", "56ed14bf71f7bc4e200e712e646ed32f",
              required=False, wire=("ID", "id"), families=_PUBLISHER),
        _PROFILE, _SUBPROFILE,
    ),
    "emailings": (
        _integer("ID", "the emailing's number, as in the events' mailing", "412", wire=("ID", "id")),
        Column("timestamp", "timestamp", "when the emailing was sent", "2014-10-09 12:00:00"),
        _integer("template", "the template that was sent", "31", nullable=True, required=False),
        _integer("document", "the document that was sent", "114", nullable=True, required=False, families=_PUBLISHER),
        _text("subject", "the subject line", "October news", required=False),
        _text("description", "what the sender wrote about it", "This is a reminder", required=False,
              families=_PUBLISHER),
        _text("from_name", "the sender's name", "Example Shop", required=False, wire=("from_address.name",)),
        _text("from_email", "the sender's address", "news@example.com", required=False, wire=("from_address.email",)),
        _integer("destinations", "messages in the emailing", "25000", nullable=True, required=False),
        _text("type", "mass or individual", "mass", required=False),
        Column("target", "json", "which database or selection it was sent to, as JSON text",
               {"type": "database", "sources": [{"id": "7", "type": "database"}]}, nullable=True, required=False),
        Column("tags", "json", "the emailing's tags, as a JSON list", ["autumn"], nullable=True, required=False,
               families=_MS),
    ),
}  # fmt: skip
"""Every kind of row, with its columns in the order of the frame."""

EVENT_KINDS: tuple[Kind, ...] = ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes")


def columns_of(kind: Kind, family: Family = "ms") -> tuple[Column, ...]:
    """Return the columns of a kind in frame order.

    Examples
    --------
    >>> [column.name for column in columns_of("impressions")]
    ['ID', 'mailing', 'timestamp', 'ip', 'useragent', 'device', 'destination', 'profile', 'subprofile']
    >>> columns_of("impressions", "publisher")[-1].name
    'referer'
    """
    return tuple(column for column in KINDS[kind] if family in column.families)


def time_column(kind: Kind) -> str:
    """Return the column that says when a row of a kind happened.

    Examples
    --------
    >>> time_column("impressions"), time_column("destinations")
    ('timestamp', 'timestampsent')
    """
    return next(column.name for column in KINDS[kind] if column.type == "timestamp")


def arrow_schema(kind: Kind, family: Family = "ms") -> pa.Schema:
    """Return the schema of a kind on disk: microseconds, plain strings, nulls only where they are legal.

    Examples
    --------
    >>> arrow_schema("impressions").field("timestamp").type
    TimestampType(timestamp[us])
    """
    import pyarrow as pa

    types = {
        "integer": pa.int64(),
        "timestamp": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }
    return pa.schema([
        pa.field(column.name, types.get(column.type, pa.string()), nullable=column.nullable)
        for column in columns_of(kind, family)
    ])  # fmt: skip
