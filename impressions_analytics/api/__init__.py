"""How Copernica is reached: settings, endpoints, periods, the HTTP session, tokens, retries and deadlines.

This is the only room that imports requests. It hands on bytes and knows nothing of rows.
"""
