"""umt: play any music again with another instrument.

The public API is small: `convert` does what the command does, `Domain` and `hookimpl`
are what plugins need, and the errors are in `umtcli.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from umtcli.domain import Domain
from umtcli.errors import UmtError
from umtcli.hookspecs import hookimpl

if TYPE_CHECKING:
    from umtcli.pipeline import convert as convert

__version__ = "0.1.0"
__all__ = ["Domain", "UmtError", "__version__", "convert", "hookimpl"]


def __getattr__(name: str) -> Any:
    # convert brings torch, so it is imported when first asked for
    if name == "convert":
        from umtcli.pipeline import convert

        return convert
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
