"""Of a download that is hostile, broken or of another make, nothing is installed."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

import fair_zip
from umt_domains.wavenet import fair_files
from umt_domains.wavenet.fair_files import FairError
from umt_domains.wavenet.import_fair import import_fair

BOMB = bytes((4 << 20) + 77)

HOSTILE = {
    "a pickle that runs code": lambda trap: {"bestmodel_5.pth": pickle.dumps([trap], protocol=2)},
    "the same in torch's format": lambda trap: {"bestmodel_5.pth": fair_zip.saved([trap])},
    "a name that leads out": lambda _: {"../bestmodel_5.pth": b""},
    "a bomb": lambda _: {"bestmodel_5.pth": BOMB},
    "a bomb that lies": lambda _: {"bestmodel_5.pth": BOMB},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_of_a_hostile_zip_nothing_is_left(
    case: str,
    files: dict[str, bytes],
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fair_files, "MEMBER_LIMIT_BYTES", 2 << 20)
    trap = tmp_path / "trap"
    files = files | HOSTILE[case](fair_zip.Hostile(trap))
    path = fair_zip.write_zip(tmp_path / "fair.zip", files)
    if case.endswith("lies"):
        fair_zip.understate(path, len(BOMB))
    with pytest.raises(FairError) as caught:
        import_fair(path, home)
    assert len(str(caught.value).splitlines()) == 1
    assert list(home.rglob("*")) == []
    assert sorted(p.name for p in tmp_path.iterdir() if p != home) == ["fair.zip"]


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in names}


def changed_state(part: str, name: Any, tensor: Any) -> dict[str, bytes]:
    """A last model file in which one entry is replaced, or removed if None."""
    state = fair_zip.models()[5]
    weights = {k: v for k, v in state[part].items() if k != name}
    if tensor is not None:
        weights[name] = tensor
    return {"bestmodel_5.pth": fair_zip.saved({**state, part: weights})}


BROKEN_WEIGHTS = {
    "a missing weight": ("decoder_state", "fc.bias", None),
    "a wrong shape": ("decoder_state", "layers.2.causal.weight", torch.zeros(16, 8, 3)),
    "rows in the wrong half": ("decoder_state", "layers.0.skip.weight", torch.zeros(8, 8, 1)),
    "a layer too many": ("decoder_state", "layers.6.fc.weight", torch.zeros(1)),
    "whole numbers": ("encoder_state", "start.bias", torch.zeros(6, dtype=torch.int64)),
    "not a number": ("encoder_state", "conv_1x1.bias", torch.full((4,), torch.nan)),
    "no tensor": ("encoder_state", "start.weight", "start"),
    "a tensor that claims to be vast": (
        "encoder_state",
        "start.weight",
        torch.zeros(1).expand(10**6, 10**6, 3),
    ),
    "a sparse tensor": ("decoder_state", "fc.bias", torch.zeros(16).to_sparse()),
    "a tensor without numbers": ("decoder_state", "fc.bias", torch.zeros(16, device="meta")),
    "too large for float32": (
        "decoder_state",
        "fc.bias",
        torch.full((16,), 1e300, dtype=torch.float64),
    ),
    "a weight of no layer": ("decoder_state", "extra.weight", torch.zeros(1)),
    "a queue": ("encoder_state", "start.queue", torch.zeros(1)),
    "a name of two lines": ("decoder_state", "one\ntwo", torch.zeros(1)),
    "a name that is no text": ("decoder_state", (1, 2), torch.zeros(1)),
}


@pytest.mark.parametrize("case", BROKEN_WEIGHTS)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_installed(
    case: str, files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    part, name, tensor = BROKEN_WEIGHTS[case]
    files = files | changed_state(part, name, tensor)
    with pytest.raises(FairError, match=part) as caught:
        import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    assert len(str(caught.value).splitlines()) == 1
    assert fair_zip.installed(home) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"layers": 4}, "layers.18.causal.weight|layers.6"),
        ({"layers": 2}, "layers.4"),
        ({"blocks": None}, "lacks the size 'blocks'"),
        ({"kernel_size": 3}, "kernel"),
        ({"kernel_size": torch.tensor([2, 2])}, "kernel"),
        ({"encoder_func": "tanh"}, "activation"),
        ({"residual_channels": 10**12}, "residual_channels"),
        ({"encoder_layers": "3"}, "layers"),
        ({"encoder_pool": 0}, "hop_samples"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    changed: dict[str, Any], says: str, files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    files = files | {"args.pth": fair_zip.saved(fair_zip.settings(**changed))}
    with pytest.raises(FairError, match=says):
        import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    assert fair_zip.installed(home) == []


def test_a_setting_that_would_take_years_to_print_is_refused_at_once(
    files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    deep: list[Any] = []
    for _ in range(60):
        deep = [deep, deep]  # 60 lists, 2⁶⁰ when written out
    files = files | {"args.pth": fair_zip.saved(fair_zip.settings(blocks=deep))}
    with pytest.raises(FairError, match=r"blocks must be a whole number .* type list"):
        import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    assert fair_zip.installed(home) == []


def test_a_table_that_hides_its_methods_is_read_all_the_same(
    files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    state = OrderedDict(fair_zip.models()[5])
    state.get = "hidden"
    files = files | {"bestmodel_5.pth": fair_zip.saved(state)}
    assert len(import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)) == 6


@pytest.mark.parametrize("value", [[], {}, ["no namespace", 3], None, 7])
def test_settings_of_another_make_are_refused(
    value: Any, files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    files = files | {"args.pth": fair_zip.saved(value)}
    with pytest.raises(FairError, match=r"args\.pth"):
        import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)


@pytest.mark.parametrize("name", ["args.pth", "bestmodel_0.pth", "bestmodel_5.pth"])
def test_a_missing_member_is_named_and_nothing_is_installed(
    name: str, files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    path = fair_zip.write_zip(tmp_path / "fair.zip", without(files, name))
    with pytest.raises(FairError, match=name):
        import_fair(path, home)
    assert fair_zip.installed(home) == []
