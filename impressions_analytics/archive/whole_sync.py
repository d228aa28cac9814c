"""Sync everything that was asked for: the kinds one after another, then their log files, then what is too old."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from impressions_analytics.api.outcomes import is_unknown_call
from impressions_analytics.archive.log_sync import log_kinds, sync_logs
from impressions_analytics.archive.results import KindSync, LogSync, SyncSummary
from impressions_analytics.archive.sync import OnProgress, SyncRequest, sync_kind
from impressions_analytics.errors import RequestRefusedError

if TYPE_CHECKING:
    from impressions_analytics.archive.context import ArchiveContext
    from impressions_analytics.archive.suppression import Suppression
    from impressions_analytics.columns import Kind

Refused = dict[str, str]
"""What the API refused, and how it said so."""


def sync_archive(
    context: ArchiveContext,
    api: Any,
    kinds: Sequence[Kind],
    request: SyncRequest,
    *,
    logs: bool,
    progress: OnProgress | None,
) -> SyncSummary:
    """Bring an archive up to now; see `Archive.sync`."""
    source = context.source(api)
    kept: list[LogSync] = []
    with context.writing() as suppression:
        done: list[KindSync] = []
        refused: Refused = {}
        for kind in kinds:
            try:
                done.append(sync_kind(context.partitions(kind), suppression, source, request, progress=progress))
            except RequestRefusedError as problem:  # a kind that the version does not know costs no other kind
                if not is_unknown_call(problem) or (kind == kinds[-1] and not done):
                    raise
                refused[kind] = str(problem)
            finally:
                context.remember(kind)
        if logs:
            known = [kind for kind in kinds if kind not in refused]
            kept, refused_logs = _sync_logs(context, known, suppression, api, request)
            refused |= refused_logs
        retention = None if request.keep_from is None else context.retain(request.keep_from)
    return SyncSummary(context.store.name, done, retention, kept, refused)


def _sync_logs(
    context: ArchiveContext, kinds: Sequence[Kind], suppression: Suppression, api: Any, request: SyncRequest
) -> tuple[list[LogSync], Refused]:
    """Keep the logs of every kind; where the API refuses them, the events are kept all the same."""
    done: list[LogSync] = []
    with context.log_source(api) as source:
        for kind in log_kinds(kinds):
            partitions = context.partitions(cast("Kind", kind))
            try:
                done.append(sync_logs(partitions, suppression, source, request))
            except RequestRefusedError as problem:
                return done, {f"logs of {kind}": str(problem)}
    return done, {}
