"""Which engines sample here, and which is used.

Importing this needs no Numba, and neither does sampling by torch where it is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from umtcli import console
from umtcli.errors import OptionError

if TYPE_CHECKING:
    from umt_domains.wavenet.engine.streams import CompiledDecoder
    from umt_domains.wavenet.folded import Folded

AUTO, TORCH, PLAIN = "auto", "torch", "plain"


@cache
def compiled_engines() -> tuple[str, ...]:
    """Names of the compiled engines that this machine runs, the fastest first.

    None without Numba, nor with one that refuses the NumPy beside it.
    """
    try:
        import_module("numba")
    except (ImportError, OSError):  # OSError: LLVM's library does not load
        return ()
    from llvmlite.binding import get_host_cpu_features

    from umt_domains.wavenet.engine.kernel import usable

    return (*(kind.name for kind in usable(get_host_cpu_features())), PLAIN)


def engines() -> tuple[str, ...]:
    """Names of all engines that sample on this machine's CPU, the fastest first."""
    return (*compiled_engines(), TORCH)


def compiled_decoder(name: str, folded: Folded) -> CompiledDecoder | None:
    """Weights in the engine of a name; None where torch is to sample them.

    Args:
        name: of an engine, or `auto` for the fastest.
        folded: the weights, on the CPU.

    Raises:
        OptionError: there is no engine of this name here.
    """
    if name == TORCH:
        return None
    if name not in (AUTO, *engines()):
        known = ", ".join((AUTO, *engines()))
        raise OptionError(f"engine takes {known} on this machine, not {name!r}.")
    if not compiled_engines():
        _tell_what_is_missing()
        return None
    from umt_domains.wavenet.engine.compiling import telling_of_it

    with telling_of_it():
        from umt_domains.wavenet.engine.machine import fastest, make
        from umt_domains.wavenet.engine.streams import CompiledDecoder

        return CompiledDecoder(folded, fastest() if name == AUTO else make(name))


@cache
def _tell_what_is_missing() -> None:
    console.say(
        "WaveNet plays with torch; `pip install 'umtcli[fast]'` lets it play several times as fast."
    )
