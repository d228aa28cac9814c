"""An imitation of Copernica's REST API on loopback, with seeded invented data, that misbehaves on request.

    with Sandbox(impressions=100_000, seed=1) as box:
        api = Copernica(box.access_token, url=box.url, auth_url=box.auth_url)

It imports nothing of the rest of the package: what a client gets wrong, it cannot get wrong in the same way.
"""

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.box import Sandbox
from impressions_analytics.sandbox.serve import serve
from impressions_analytics.sandbox.story import Story

__all__ = ["Behaviour", "Sandbox", "Story", "serve"]
