"""Bytes from the API: sessions, tokens, retries, and the threads that fetch."""
