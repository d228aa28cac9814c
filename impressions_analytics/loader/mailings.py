"""Load what was sent: the emailings of an account, and their destinations."""

from __future__ import annotations

import pandas as pd

from impressions_analytics.api.endpoints import destinations_endpoint, emailings_endpoint
from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import read_period
from impressions_analytics.columns import Family
from impressions_analytics.loader.assembly import Wanted, frames
from impressions_analytics.loader.selection import Identifiers, Moment, given_api, given_family, given_identifiers


def load_destinations(
    api: Copernica | None = None,
    *,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load destinations: the messages of emailings, or of the whole account.

    Columns: `ID` (as in the events' destination), `mailing`, `timestampsent` datetime64[us], `profile`,
    `subprofile`; ordered by timestampsent and ID. Parameters and errors as in
    `load_impressions`.
    """
    first, last = read_period(begin, end)
    of = given_identifiers("emailing", emailing)
    endpoints = [destinations_endpoint(family=given_family(family), emailing=one) for one in (of or (None,))]
    wanted = Wanted("destinations", family, tuple(endpoints), first, last)
    return next(frames(given_api(api), wanted, show_progress=progress))


def load_emailings(
    api: Copernica | None = None,
    *,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load the account's emailings.

    Columns: `ID` (as in the events' mailing), `timestamp` (when it was sent), `template` Int64, `subject`,
    `from_name` and `from_email` str, `destinations` Int64, `type` str; ordered by timestamp and ID. Parameters and
    errors as in `load_impressions`.
    """
    first, last = read_period(begin, end)
    wanted = Wanted("emailings", family, (emailings_endpoint(family=given_family(family)),), first, last)
    return next(frames(given_api(api), wanted, show_progress=progress))
