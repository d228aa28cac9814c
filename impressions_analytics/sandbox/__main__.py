"""Serve the sandbox from a process of its own: ``python -m impressions_analytics.sandbox``."""

import sys

from impressions_analytics.sandbox.command import main

sys.exit(main())
