"""Copernica e-mail impressions as a complete, typed pandas frame, with honest figures, Parquet and charts.

    import impressions_analytics as ia
    opens = ia.load_impressions(ia.Copernica(access_token="..."), destination=112)
    ia.impressions_over_time(opens, every="day")

The map of the package, in the order in which the data goes through it. A room imports only from rooms above it.

    errors.py        every exception
    columns.py       the words of the field, and the table of event kinds with their columns
    certificate.py   what a load says of itself
    api/             how Copernica is reached: settings, endpoints, periods, HTTP
    loader/          pages of the API become typed frames that are proven complete
    parquet/         how a typed frame becomes a file and is read again; snapshots
    archive/         the archive that grows every night: sync, verify, export, erase
    user_agents/     which program, system and device a user agent names, and whether a machine sent it
    engine/          what may come into an analysis, what comes out, and the fast passes over columns
    analytics/       the analyses: one definition each
    charts/          a result becomes a chart
    report/          analyses and charts become one HTML page
    sandbox/         an imitation of the API on this machine, with invented data; imports none of the others
    cli/             the command `impressions`

Names are looked up when they are first used, so that importing the package costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
