"""The first-party families and the domains that ship with umt."""
