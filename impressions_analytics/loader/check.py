"""Find out how an account's API behaves where its documentation is silent: few calls, nothing written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from impressions_analytics.api.endpoints import Version
from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.loader.check_rules import UNDECIDED, Fact, advise
from impressions_analytics.loader.check_steps import STEPS, Asker, Findings
from impressions_analytics.loader.selection import given_api

FACTS = (
    "clock_offset_seconds", "page_limit", "total_optional", "order", "begin_included", "end_included", "period_style",
    "unknown_period", "destinations_need_period", "families", "totals_agree", "statistics_agree", "zone",
    "latency_seconds", "connections", "log_days_kept", "log_day_begins",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApiCheck:
    """What `check_api` found.

    Attributes
    ----------
    url, version : str, int
        Where it was found.
    company : str
        Whose account the token opens.
    facts : dict of str to Fact
        Every fact: its value, the calls that decided it, and why.
    calls : int
        Calls that it took.
    advice : list of str
        What to do next.
    """

    url: str
    version: Version
    company: str
    facts: dict[str, Fact]
    calls: int
    advice: list[str]

    def __str__(self) -> str:
        lines = [f"{self.company or 'The account'}, version {self.version} of the API, {self.calls} calls", ""]
        for name, fact in self.facts.items():
            shown = ", ".join(fact.value) if isinstance(fact.value, list) else str(fact.value)
            lines.append(f"{name.replace('_', ' '):26}{shown:22}{fact.why}")
        return "\n".join([*lines, "", *(f"- {one}" for one in self.advice)])

    def known(self) -> dict[str, Any]:
        """Return the values of the facts that are decided."""
        return {name: fact.value for name, fact in self.facts.items() if fact.value != UNDECIDED}

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        facts = {
            name: {"value": fact.value, "decided_by": list(fact.decided_by), "why": fact.why}
            for name, fact in self.facts.items()
        }
        return {"facts": facts, "calls": self.calls, "advice": self.advice}


def check_api(api: Copernica | None = None) -> ApiCheck:
    """Find out how the API behaves for this account: at most 25 calls, and nothing is written.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.

    Returns
    -------
    ApiCheck
        The facts; one that could not be decided says why. No row and nothing of a person is in it.

    Raises
    ------
    AccessDeniedError, RequestRefusedError, ApiUnavailableError
        When the token is refused, or the first call is not answered.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=3000, seed=1) as box:
    ...     check = check_api(Copernica(box.access_token, url=box.url))
    >>> check.facts["page_limit"].value, check.calls <= 25
    (1000, True)
    """
    api = given_api(api)
    # One call is one request here: what is not answered leaves its fact undecided.
    plain = replace(api, patience_seconds=0.0)
    plain.learnt["editors"] = ()  # a check asks for every family by its own name
    with Transport(plain) as transport:
        asker = Asker(transport)
        identity = asker.first("identity")
        found = Findings(asker, api)
        for step in STEPS:
            step(found)
        calls = transport.requests
    facts = {name: found.facts.get(name, Fact(UNDECIDED, (), "the calls before it gave nothing")) for name in FACTS}
    company = str(identity.get("company") or identity.get("name") or "")
    return ApiCheck(str(api.url), api.version, company, facts, calls, advise(facts))
