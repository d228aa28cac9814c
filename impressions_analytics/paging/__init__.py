"""Which pages to ask for, how much at once, and when a list is proven whole."""
