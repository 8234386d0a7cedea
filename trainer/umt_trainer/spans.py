"""What a setting may be: its type, and the span that its value must lie in.

A frozen dataclass says it at each field, and asks for it when it is made:

    steps: Annotated[int, FROM_1]

    def __post_init__(self) -> None:
        check(self)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from umtcli.errors import UsageError


@dataclass(frozen=True)
class Span:
    """Which numbers are allowed; NaN is in no span.

    Attributes:
        text: of a message: "it must be …".
        holds: tells whether a number is in it.
    """

    text: str
    holds: Callable[[float], bool]


FROM_0 = Span("from 0", lambda v: v >= 0)
FROM_1 = Span("from 1", lambda v: v >= 1)
POSITIVE = Span("above 0", lambda v: v > 0)
POSITIVE_FINITE = Span("above 0 and finite", lambda v: 0 < v < math.inf)
FINITE_FROM_0 = Span("from 0 and finite", lambda v: 0 <= v < math.inf)
SHARE = Span("from 0 to below 1", lambda v: 0 <= v < 1)
FACTOR = Span("above 0 and at most 1", lambda v: 0 < v <= 1)

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def check(config: Any) -> None:
    """Refuse a dataclass that has a field of another type, or outside its span.

    Raises:
        UsageError: naming the field, its value, and what it must be.
    """
    hints = get_type_hints(type(config), include_extras=True)
    for field in fields(config):
        value, hint = getattr(config, field.name), hints[field.name]
        kind, *notes = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        spans = [note for note in notes if isinstance(note, Span)]
        wrong = _not_a(kind, value, spans)
        if wrong is None:
            wrong = next((span.text for span in spans if not span.holds(value)), None)
        if wrong is not None:
            shown = repr(value) if isinstance(value, str) else value
            raise UsageError(f"{field.name} is {shown}; it must be {wrong}.")


def _not_a(kind: Any, value: Any, spans: list[Span]) -> str | None:
    """What a value should be, if it is not of the type; None if it is, or any type will do."""
    if get_origin(kind) is Literal:
        return None if value in get_args(kind) else " or ".join(map(str, get_args(kind)))
    if kind not in _NAMES:
        return None
    taken = (int, float) if kind is float else kind
    if isinstance(value, taken) and (kind is bool or not isinstance(value, bool)):
        return None
    return " ".join([_NAMES[kind], *(span.text for span in spans)])
