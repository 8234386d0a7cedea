"""umt: play any music again with another instrument.

The public API is small: `convert` and `blend` do what the commands do, `Domain` and
`hookimpl` are what plugins need, and the errors are in `umtcli.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from umtcli.domain import Domain
from umtcli.errors import UmtError
from umtcli.hookspecs import hookimpl

if TYPE_CHECKING:
    from umtcli.pipeline import blend as blend
    from umtcli.pipeline import convert as convert

__version__ = "0.1.0"
__all__ = ["Domain", "UmtError", "__version__", "blend", "convert", "hookimpl"]


def __getattr__(name: str) -> Any:
    # these bring torch, so they are imported when first asked for
    if name in ("blend", "convert"):
        from umtcli import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
