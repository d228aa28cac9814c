"""The archive: a folder of Parquet that grows by itself, survives a crash, and opens in every tool for data.

`Archive` is all that users type; the rooms below it each hold one idea: `store` where files are, `periods` what is
covered, `months` one file per month, `merge` rows in time order, `intake` and `sync` what comes in, `reading`,
`checks`, `erasure` and `export` what goes out (`model` names its tables, which `facts` and `dimensions` fill),
`kept_logs` and `log_sync` the daily log files beside the rows.
"""

from __future__ import annotations

from impressions_analytics.archive.archive import Archive

__all__ = ["Archive"]
