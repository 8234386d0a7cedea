"""Nothing in a zip from elsewhere is trusted."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

import fair_zip
from umt_domains.wavenet import fair_files
from umt_domains.wavenet.fair_files import FairError, FairZip


def load(path: Path, name: str = "args.pth") -> Any:
    with FairZip(path) as archive:
        return archive.load(name)


def plain(value: Any) -> bytes:
    return pickle.dumps(value, protocol=2)


def test_settings_in_the_authors_format_are_read(tmp_path: Path) -> None:
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": fair_zip.saved(fair_zip.settings())})
    namespace, epoch = load(path)
    assert (namespace.layers, epoch) == (3, 97)


def test_weights_of_a_gpu_are_read_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    data = fair_zip.saved(fair_zip.models()[0])
    assert b"cuda:0" in data
    assert b"_metadata" in data
    with pytest.raises(RuntimeError, match="CUDA"):  # so they are of a GPU indeed
        torch.load(io.BytesIO(data), weights_only=True)
    state = load(fair_zip.write_zip(tmp_path / "a.zip", {"m.pth": data}), "m.pth")
    assert state["decoder_state"]["fc.bias"].device == torch.device("cpu")
    assert torch.equal(
        state["decoder_state"]["fc.bias"], fair_zip.models()[0]["decoder_state"]["fc.bias"]
    )


@pytest.mark.parametrize("save", [plain, fair_zip.saved])
def test_a_hostile_pickle_is_refused_and_does_not_run(save: Any, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    data = save([fair_zip.Hostile(trap)])
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": data})
    with pytest.raises(FairError, match=r"args\.pth .* more than weights") as caught:
        load(path)
    assert not trap.exists()
    assert len(str(caught.value).splitlines()) == 1
    pickle.loads(plain([fair_zip.Hostile(trap)]))  # noqa: S301 - our own, to see that it would spring
    assert trap.exists()


@pytest.mark.parametrize(
    "name",
    ["../args.pth", "a/../../args.pth", "/etc/args.pth", "..\\args.pth", "C:\\args.pth", "\\a.pth"],
)
def test_a_name_that_leads_out_of_the_zip_condemns_it(name: str, tmp_path: Path) -> None:
    files = {"args.pth": fair_zip.saved(1), name: b""}
    path = fair_zip.write_zip(tmp_path / "a.zip", files, folder="")
    with pytest.raises(FairError, match="leads out of it"):
        FairZip(path)


def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_files, "MEMBER_LIMIT_BYTES", 10_000)
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": bytes(10_001)})
    assert path.stat().st_size < 1000
    with pytest.raises(FairError, match="too large"):
        FairZip(path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": bytes(1 << 20)}, folder="")
    fair_zip.understate(path, 1 << 20)
    with pytest.raises(FairError, match="damaged"):
        load(path)


def test_a_zip_in_the_zip_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(fair_zip.settings(), buffer)  # the new serialization is a zip
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": buffer.getvalue()})
    with pytest.raises(FairError, match="not in the format"):
        load(path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_files, "MAX_MEMBERS", 3)
    path = fair_zip.write_zip(tmp_path / "a.zip", {f"{i}.txt": b"" for i in range(4)})
    with pytest.raises(FairError, match="4 files"):
        FairZip(path)


def test_a_name_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    files = {"a/ar\ngs.pth": b"1", "b/ar\ngs.pth": b"2"}
    with pytest.raises(FairError, match=r"'ar\\ngs\.pth' twice"):
        FairZip(fair_zip.write_zip(tmp_path / "a.zip", files, folder=""))


@pytest.mark.parametrize("folder", ["", "pretrained_musicnet/", "a/b/"])
def test_members_are_found_in_any_folder(folder: str, tmp_path: Path) -> None:
    files = {"args.pth": fair_zip.saved([1]), "README.md": b"", "sub/README.md": b""}
    assert load(fair_zip.write_zip(tmp_path / "a.zip", files, folder)) == [1]


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    whole = fair_zip.saved(fair_zip.settings())
    for length in range(0, len(whole) - 1, 7):
        path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": whole[:length]})
        with pytest.raises(FairError):
            load(path)


def test_a_zip_that_is_cut_off_or_missing_is_refused(tmp_path: Path) -> None:
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": fair_zip.saved([1])})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FairError, match="not a whole zip"):
        FairZip(path)
    with pytest.raises(FairError, match="No such file"):
        FairZip(tmp_path / "missing.zip")
    with pytest.raises(FairError, match="Cannot read"):
        FairZip(tmp_path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": fair_zip.saved([1])}, folder="")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    assert zipfile.ZipFile(path).infolist()[0].flag_bits & 1
    with pytest.raises(FairError, match="cannot be unpacked"):
        load(path)


def test_the_list_of_what_may_be_loaded_is_put_back(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    load(fair_zip.write_zip(tmp_path / "a.zip", {"args.pth": fair_zip.saved([1])}))
    assert set(torch.serialization.get_safe_globals()) == before
