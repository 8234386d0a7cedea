"""An import happens as a whole or not at all, and spares what is the user's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fair_zip import installed
from umt_domains.wavenet.import_fair import import_fair
from umtcli.bundle import read_info
from umtcli.errors import OutputExists, UmtError


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
