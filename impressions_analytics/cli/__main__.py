"""``python -m impressions_analytics.cli`` is the command ``impressions``."""

from impressions_analytics.cli.commands import main

if __name__ == "__main__":
    main()
