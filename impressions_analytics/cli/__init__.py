"""The command `impressions`: parse, call, print, exit code; and the demonstration."""

from impressions_analytics.cli.commands import main

__all__ = ["main"]
