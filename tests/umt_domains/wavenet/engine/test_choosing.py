"""The fastest engine is used, and any that is here can be asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.engine import choosing, machine
from umt_domains.wavenet.engine.kernel import Kernel
from umt_domains.wavenet.engine.plain import build_plain
from umt_domains.wavenet.graphs import as_it_is
from umt_domains.wavenet.playing import SampledStreams, WavenetDecoder
from umtcli.errors import OptionError


def decoder(network: DecoderNetwork, engine: str) -> WavenetDecoder:
    options = {"temperature": 1.0, "top_p": 1.0, "guidance": 1.0, "engine": engine, "exact": False}
    return WavenetDecoder(network, "cpu", options)


@pytest.fixture(params=["ModuleNotFoundError", "ImportError", "OSError"])
def no_numba(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Numba is not there, or does not get on with NumPy, or lacks its library."""
    for cached in (choosing.compiled_engines, choosing._tell_what_is_missing):
        cached.cache_clear()
    (tmp_path / "numba.py").write_text(f"raise {request.param}('not here')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    yield
    for cached in (choosing.compiled_engines, choosing._tell_what_is_missing):
        cached.cache_clear()


def test_the_fastest_engine_is_used_unless_another_is_asked_for(
    small_decoder: DecoderNetwork,
) -> None:
    engines = WavenetFamily().engines()
    assert engines[-2:] == ("plain", "torch")
    assert decoder(small_decoder, "auto").engine == engines[0]
    for engine in engines:
        assert decoder(small_decoder, engine).engine == engine


def test_an_engine_that_is_not_here_is_refused_with_those_that_are(
    small_decoder: DecoderNetwork,
) -> None:
    with pytest.raises(OptionError, match=r"engine takes auto, .*plain, torch .* not 'abacus'"):
        decoder(small_decoder, "abacus")


def test_without_numba_nothing_compiled_multiplies_bfloat16(no_numba: None) -> None:
    assert choosing.bfloat16_engine() is None


def test_an_engine_that_multiplies_wrongly_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "compiled_engines", lambda: ("avx512-bf16", "plain"))
    monkeypatch.setattr(machine, "make", lambda name: machine.engine_of(build_plain()))
    assert choosing.bfloat16_engine() is not None
    monkeypatch.setattr(machine, "multiplies", lambda engine: False)
    assert choosing.bfloat16_engine() is None


def test_without_numba_torch_plays_and_it_is_said_once(
    small_decoder: DecoderNetwork, no_numba: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        machine = decoder(small_decoder, "auto")
        assert isinstance(machine.streams(), SampledStreams)
    assert machine.engine == "torch"
    assert WavenetFamily().engines() == ("torch",)
    assert capsys.readouterr().err.count("pip install 'umtcli[fast]'") == 1
    with pytest.raises(OptionError, match="engine takes auto, torch on this machine, not 'plain'"):
        decoder(small_decoder, "plain")


def test_who_asks_for_torch_is_not_told_of_others(
    small_decoder: DecoderNetwork, no_numba: None, capsys: pytest.CaptureFixture[str]
) -> None:
    decoder(small_decoder, "torch")
    assert capsys.readouterr().err == ""


def test_a_kernel_that_multiplies_wrongly_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    right = machine.make("plain")
    broken = Kernel(right.kernel.kind, type(right.kernel.add_block)(lambda *_: None), None)
    engines = {"broken": machine.engine_of(broken), "plain": right}
    monkeypatch.setattr(machine, "compiled_engines", lambda: ("broken", "plain"))
    monkeypatch.setattr(machine, "make", engines.__getitem__)
    assert machine.fastest.__wrapped__() is right


@pytest.mark.parametrize("name", choosing.compiled_engines())
def test_the_instructions_of_this_machine_multiply(name: str) -> None:
    assert machine.multiplies(machine.make(name))


def test_who_asks_for_an_engine_that_multiplies_wrongly_is_told(
    small_decoder: DecoderNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "multiplies", lambda engine: engine.name != "plain")
    with pytest.raises(OptionError, match=r"engine plain multiplies wrongly .*; take another"):
        decoder(small_decoder, "plain")


def test_int8_is_used_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = machine.make("plain")
    monkeypatch.setattr(machine, "compiled_engines", lambda: ("avx512-int8", "plain"))
    monkeypatch.setattr(machine, "make", {"avx512-int8": None, "plain": plain}.__getitem__)
    assert machine.fastest.__wrapped__() is plain


def test_sampling_by_torch_loads_no_numba() -> None:
    code = (
        "import sys; from umt_domains.wavenet.engine.choosing import TORCH, compiled_decoder; "
        "compiled_decoder(TORCH, None); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_thread_plays_the_same_as_two(small_decoder: DecoderNetwork) -> None:
    latents = {number: torch.randn(5, 4) for number in range(5)}
    played = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        streams = decoder(small_decoder, "auto").streams(seed=1)
        ids = [streams.open(key) for key in latents]
        played.append(streams.push({i: latents[i] for i in ids}))
    for number in latents:
        assert torch.equal(played[0][number], played[1][number])


def test_a_gpu_has_graphs_or_torchs_steps_and_others_only_these() -> None:
    assert [choosing.recorder(name, "cuda:1")[0] for name in ("auto", "cuda-graph", "torch")] == [
        "cuda-graph",
        "cuda-graph",
        "torch",
    ]
    assert choosing.recorder("auto", "mps") == ("torch", as_it_is)
    assert choosing.recorder("torch", "cuda") == ("torch", as_it_is)
    with pytest.raises(OptionError, match=r"takes auto, cuda-graph, torch on cuda:0, not 'avx2'"):
        choosing.recorder("avx2", "cuda:0")
    with pytest.raises(OptionError, match=r"takes auto, torch on xpu, not 'cuda-graph'"):
        choosing.recorder("cuda-graph", "xpu")
