"""The recipe that made the bundled weights, step by step, from no downloaded music at all.

Run it as ``PYTHONPATH=domains python -m starter --help`` from a checkout. It is not shipped
in the wheel: users get the weights, and this is how anyone can make them again.
"""
