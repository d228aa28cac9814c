"""Page bytes -> typed columns -> frame."""
