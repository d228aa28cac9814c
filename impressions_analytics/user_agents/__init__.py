"""Which client, which device, and was it a person at all: each distinct user agent judged once."""

from __future__ import annotations

from impressions_analytics.user_agents.classify import RULES_VERSION, classify_user_agents, rules, with_user_agents

__all__ = ["RULES_VERSION", "classify_user_agents", "rules", "with_user_agents"]
