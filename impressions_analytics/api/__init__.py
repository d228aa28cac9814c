"""Everything that talks to Copernica: settings, endpoints, periods, the HTTP session, tokens, retries and deadlines.

This is the only room that imports requests. It returns bytes. Other rooms turn them into rows.
"""
