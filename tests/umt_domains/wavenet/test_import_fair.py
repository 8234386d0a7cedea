"""The authors' models become domains that play as the authors' weights say."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fair_zip
from umt_domains.wavenet import WavenetFamily, fair_files
from umt_domains.wavenet.fair_files import FairError
from umt_domains.wavenet.import_fair import DOMAINS, import_fair
from umtcli.bundle import check_space, read_bundle, read_info
from umtcli.catalog import Catalog
from umtcli.errors import OutputExists, UmtError
from umtcli.pipeline.subject import feed
from umtcli.plugins import make_plugin_manager
from wavenet_reference import SlowWaveNet, Weights, forced_logits, hear


@pytest.fixture(scope="module")
def states() -> list[fair_zip.State]:
    return fair_zip.models()


@pytest.fixture(scope="module")
def files(states: list[fair_zip.State]) -> dict[str, bytes]:
    return fair_zip.members(best=states)


@pytest.fixture
def whole_zip(files: dict[str, bytes], tmp_path: Path) -> Path:
    return fair_zip.write_zip(tmp_path / "pretrained_musicnet.zip", files)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def imported(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all six domains, only to be read."""
    folder = tmp_path_factory.mktemp("imported")
    import_fair(fair_zip.write_zip(folder / "fair.zip", files), folder / "home")
    return folder / "home"


@pytest.fixture(scope="module")
def last(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the models at the end of training."""
    folder = tmp_path_factory.mktemp("last")
    import_fair(fair_zip.write_zip(folder / "fair.zip", files), folder / "home", which="last")
    return folder / "home"


def double(state: dict[str, torch.Tensor]) -> Weights:
    return {name: tensor.double().numpy() for name, tensor in state.items()}


def installed(home: Path) -> list[str]:
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())


def test_six_domains_share_one_encoder(whole_zip: Path, home: Path) -> None:
    infos = import_fair(whole_zip, home)
    assert [info.name for info in infos] == [
        "bach-cello",
        "beethoven-piano",
        "cambini-winds",
        "bach-piano",
        "beethoven-violin",
        "beethoven-quartet",
    ]
    (encoder,) = (home / "encoders").iterdir()
    for info in infos:
        check_space(info, read_info(encoder, kind="encoder"))
        assert info.provenance["licence"] == "CC BY-NC 4.0"
    assert len(installed(home)) == 7
    assert sorted(p.name for p in home.iterdir()) == ["domains", "encoders"]


@pytest.mark.parametrize("number", range(6))
def test_each_domain_has_the_logits_of_its_own_file(
    imported: Path, states: list[fair_zip.State], number: int
) -> None:
    check_logits(imported, number, states[number])


@pytest.mark.parametrize("number", [0, 5])
def test_the_last_models_have_the_logits_of_their_files(last: Path, number: int) -> None:
    check_logits(last, number, fair_zip.models(seed=1)[number])


def check_logits(home: Path, number: int, state: fair_zip.State) -> None:
    """The logits of an installed domain are those of the authors' weights."""
    path = home / "domains" / f"{list(DOMAINS)[number]}.safetensors"
    network = WavenetFamily().learning().from_bundle(read_bundle(path))
    generator = torch.Generator().manual_seed(number)
    latents = torch.randn(1, 4, 1, generator=generator)
    classes = torch.randint(0, 256, (1, 800), generator=generator)
    slow = SlowWaveNet(double(state["decoder_state"]), blocks=2, layers=3)
    heard = classes[0, :60].tolist()
    wanted = forced_logits(slow, heard, latents[0].double().numpy(), hop=800)
    with torch.no_grad():
        logits = network(classes, latents)[0, :, :60]
    np.testing.assert_allclose(logits.numpy(), wanted, atol=2e-6 * np.abs(wanted).max())


def test_the_encoder_hears_as_the_authors_weights_do(
    files: dict[str, bytes], tmp_path: Path, home: Path, states: list[fair_zip.State]
) -> None:
    files = files | {"args.pth": fair_zip.saved(fair_zip.settings(encoder_pool=20))}
    import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    (path,) = (home / "encoders").iterdir()
    encoder = WavenetFamily().load_encoder(read_bundle(path), "cpu")
    assert (encoder.space.channels, encoder.space.frame_rate) == (4, 800.0)
    wav = torch.rand(90, generator=torch.Generator().manual_seed(3)) * 2 - 1
    weights = double(states[0]["encoder_state"])
    wanted = hear(weights, wav.tolist(), blocks=2, layers=3, hop=20)
    np.testing.assert_allclose(feed(encoder.streams(), wav).numpy(), wanted, atol=1e-5)


def test_a_missing_pool_size_is_the_papers(imported: Path) -> None:
    assert read_info(imported / "domains" / "bach-cello.safetensors").space.frame_rate == 20.0


def test_imported_domains_are_found_and_play(imported: Path) -> None:
    catalog = Catalog.from_manager(make_plugin_manager(home=imported))
    domain = catalog.domain("beethoven-piano")
    assert (domain.package, domain.licence) == ("user", "CC BY-NC 4.0")
    family = WavenetFamily()
    encoder = family.load_encoder(read_bundle(catalog.encoder_for(domain)), "cpu")
    options = {option.name: option.default for option in family.options}
    decoder = family.load_decoder(read_bundle(domain.decoder), "cpu", options)
    latents = feed(encoder.streams(), torch.zeros(1000))
    played = feed(decoder.streams(), latents)
    assert played.shape == (1600,)
    assert played.isfinite().all()


def test_best_and_last_are_two_sets(whole_zip: Path, tmp_path: Path) -> None:
    best = import_fair(whole_zip, tmp_path / "best")
    last = import_fair(whole_zip, tmp_path / "last", which="last")
    assert all(b.digest != d.digest for b, d in zip(best, last, strict=True))
    assert best[0].space != last[0].space


def test_a_domain_whose_encoder_differs_gets_that_one(tmp_path: Path, home: Path) -> None:
    states = fair_zip.models()
    states[3] = {**states[3], "encoder_state": fair_zip.models(seed=2)[3]["encoder_state"]}
    files = fair_zip.members(best=states)
    infos = import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    odd = [info.space == infos[0].space for info in infos]
    assert odd == [True, True, True, False, True, True]
    catalog = Catalog.from_manager(make_plugin_manager(home=home))
    assert len({catalog.encoder_for(catalog.domain(name)) for name in DOMAINS}) == 2


def test_importing_again_changes_nothing(whole_zip: Path, home: Path) -> None:
    first = import_fair(whole_zip, home)
    before = installed(home)
    assert import_fair(whole_zip, home) == first
    assert installed(home) == before


def test_a_domain_of_the_user_is_not_overwritten_unless_asked(whole_zip: Path, home: Path) -> None:
    own = home / "domains" / "bach-piano.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    with pytest.raises(OutputExists, match="bach-piano"):
        import_fair(whole_zip, home)
    assert installed(home) == ["domains/bach-piano.safetensors"]
    assert own.read_bytes() == b"mine"
    import_fair(whole_zip, home, overwrite=True)
    assert read_info(own).name == "bach-piano"


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
    assert installed(home) == []


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
    assert installed(home) == []


def test_a_setting_that_would_take_years_to_print_is_refused_at_once(
    files: dict[str, bytes], tmp_path: Path, home: Path
) -> None:
    deep: list[Any] = []
    for _ in range(60):
        deep = [deep, deep]  # 60 lists, 2⁶⁰ when written out
    files = files | {"args.pth": fair_zip.saved(fair_zip.settings(blocks=deep))}
    with pytest.raises(FairError, match=r"blocks must be a whole number .* type list"):
        import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    assert installed(home) == []


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
    assert installed(home) == []


def contents(home: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((home / name).read_bytes()).hexdigest() for name in installed(home)
    }


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_import_that_breaks_off_leaves_all_as_it_was(
    error: BaseException,
    whole_zip: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import_fair(whole_zip, home, which="last")
    (home / "domains" / "bach-cello.safetensors").unlink()
    before = contents(home)
    replace = Path.replace

    def failing(path: Path, target: Path) -> Path:
        # after a domain that is new and others that replace; putting it back works
        violin = home / "domains" / "beethoven-violin.safetensors"
        if target == violin and path.parent.name == "domains":
            raise error
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((UmtError, KeyboardInterrupt)):
        import_fair(whole_zip, home, overwrite=True)
    assert contents(home) == before
    assert sorted(p.name for p in home.iterdir()) == ["domains", "encoders"]


def test_a_folder_in_a_domains_place_is_refused_before_anything_moves(
    whole_zip: Path, home: Path
) -> None:
    (home / "domains" / "bach-piano.safetensors").mkdir(parents=True)
    with pytest.raises(OutputExists, match="is a folder"):
        import_fair(whole_zip, home, overwrite=True)
    assert installed(home) == []


def test_a_data_folder_that_cannot_be_written_is_one_line(whole_zip: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(Exception, match="Cannot install into") as caught:
        import_fair(whole_zip, blocked / "home")
    assert len(str(caught.value).splitlines()) == 1
