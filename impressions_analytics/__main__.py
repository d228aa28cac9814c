"""``python -m impressions_analytics`` is the command ``impressions``."""

from impressions_analytics.cli import main

if __name__ == "__main__":
    main()
