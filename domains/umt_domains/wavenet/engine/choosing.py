"""Which engines sample here, and which is used.

Importing this needs no Numba, and neither does sampling by torch where it is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from umt_domains.wavenet.engine.kinds import AVX512_BF16, usable
from umtcli import console
from umtcli.errors import OptionError

if TYPE_CHECKING:
    from umt_domains.wavenet.engine.machine import Engine
    from umt_domains.wavenet.engine.streams import CompiledDecoder
    from umt_domains.wavenet.folded import Folded
    from umt_domains.wavenet.graphs import Record

AUTO, TORCH, PLAIN, CUDA_GRAPH = "auto", "torch", "plain", "cuda-graph"


@cache
def compiled_engines() -> tuple[str, ...]:
    """Names of the compiled engines that this machine runs, in the order that `auto` tries them.

    Those of int8 are among them, which `auto` passes over: see `machine.ROUGH`. None without
    Numba, nor with one that refuses the NumPy beside it.
    """
    try:
        import_module("numba")
    except (ImportError, OSError):  # OSError: LLVM's library does not load
        return ()
    from llvmlite.binding import get_host_cpu_features

    return (*(kind.name for kind in usable(get_host_cpu_features())), PLAIN)


def engines() -> tuple[str, ...]:
    """Names of all engines that sample on this machine's CPU; see `compiled_engines`."""
    return (*compiled_engines(), TORCH)


def compiled_decoder(name: str, folded: Folded) -> CompiledDecoder | None:
    """Weights in the engine of a name; None where torch is to sample them.

    Args:
        name: of an engine, or `auto` for the fastest that is not of int8.
        folded: the weights, on the CPU.

    Raises:
        OptionError: there is no engine of this name here, or it does not work.
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
        from umt_domains.wavenet.engine.machine import fastest, make, multiplies
        from umt_domains.wavenet.engine.streams import CompiledDecoder

        engine = fastest() if name == AUTO else make(name)
        if not multiplies(engine):
            raise OptionError(
                f"The engine {name} multiplies wrongly on this processor; take another that "
                "`umt doctor` lists."
            )
        return CompiledDecoder(folded, engine)


def bfloat16_engine() -> Engine | None:
    """The compiled engine that multiplies bfloat16; None where there is none that works."""
    if AVX512_BF16.name not in compiled_engines():
        return None
    from umt_domains.wavenet.engine.compiling import telling_of_it

    with telling_of_it():
        from umt_domains.wavenet.engine.machine import make, multiplies

        engine = make(AVX512_BF16.name)
        return engine if multiplies(engine) else None


def recorder(name: str, device: str) -> tuple[str, Record]:
    """The engine of a name on another device than the CPU, and how it records torch's steps.

    Args:
        name: `cuda-graph`, `torch`, or `auto` for the first of them that the device has.
        device: e.g. `cuda:0`.

    Raises:
        OptionError: the device has no engine of this name.
    """
    import torch

    from umt_domains.wavenet.graphs import as_it_is, on_cuda

    place = torch.device(device)
    known = (CUDA_GRAPH, TORCH) if place.type == "cuda" else (TORCH,)
    if name not in (AUTO, *known):
        raise OptionError(f"engine takes {', '.join((AUTO, *known))} on {device}, not {name!r}.")
    chosen = known[0] if name == AUTO else name
    return chosen, on_cuda(place) if chosen == CUDA_GRAPH else as_it_is


@cache
def _tell_what_is_missing() -> None:
    console.say(
        "WaveNet plays with torch; `pip install 'umtcli[fast]'` lets it play several times as fast."
    )
