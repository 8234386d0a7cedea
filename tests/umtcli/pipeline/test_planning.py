"""What is refused is refused before any work, and outputs go where users expect them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from signals import noise, write
from umtcli.catalog import Catalog
from umtcli.errors import EncodeError, OutputExists, UnknownDomain, UsageError
from umtcli.pipeline.jobs import Request
from umtcli.pipeline.planning import plan


def outputs(catalog: Catalog, *inputs: Path | str, **request: object) -> list[str]:
    """The outputs of a plan, in order."""
    jobs = plan(_request(*inputs, **request), catalog)
    return [str(output) for job in jobs for output in job.outputs]


def _request(*inputs: Path | str, **request: object) -> Request:
    settings: dict[str, object] = {"to": ("low",), **request}
    return Request(inputs=tuple(map(str, inputs)), **settings)


def test_outputs_lie_beside_their_inputs(tmp_path: Path, catalog: Catalog) -> None:
    made = outputs(catalog, tmp_path / "a.flac", tmp_path / "b.mp3", to=("low", "high"))
    names = ["a-low.flac", "a-high.flac", "b-low.mp3", "b-high.mp3"]
    assert made == [str(tmp_path / name) for name in names]


def test_a_format_that_cannot_be_written_becomes_wav(tmp_path: Path, catalog: Catalog) -> None:
    assert outputs(catalog, tmp_path / "a.ape") == [str(tmp_path / "a-low.wav")]
    assert outputs(catalog, tmp_path / "a") == [str(tmp_path / "a-low.wav")]


def test_the_format_decides_the_suffix(tmp_path: Path, catalog: Catalog) -> None:
    made = outputs(catalog, tmp_path / "a.mp3", format="FLAC")
    assert made == [str(tmp_path / "a-low.flac")]


def test_one_output_may_be_named(tmp_path: Path, catalog: Catalog) -> None:
    target = str(tmp_path / "x.flac")
    assert outputs(catalog, tmp_path / "a.mp3", output=target) == [target]


@pytest.mark.parametrize("name", ["out", f"out.v2{os.sep}"])
def test_a_name_without_suffix_is_a_folder(tmp_path: Path, catalog: Catalog, name: str) -> None:
    made = outputs(catalog, tmp_path / "a.wav", output=f"{tmp_path}{os.sep}{name}")
    assert made == [str(tmp_path / name / "a-low.wav")]


def test_an_existing_folder_is_a_folder(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "out.wav").mkdir()
    made = outputs(catalog, tmp_path / "a.wav", output=str(tmp_path / "out.wav"))
    assert made == [str(tmp_path / "out.wav" / "a-low.wav")]


def test_many_outputs_need_a_folder(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="names one file"):
        outputs(catalog, tmp_path / "a.wav", tmp_path / "b.wav", output="x.wav")
    with pytest.raises(UsageError, match="names one file"):
        outputs(catalog, tmp_path / "a.wav", to=("low", "high"), output="x.wav")
    with pytest.raises(UsageError, match="one stream"):
        outputs(catalog, tmp_path / "a.wav", to=("low", "high"), output="-")


def test_a_dash_is_standard_input_and_output(catalog: Catalog) -> None:
    (job,) = plan(_request("-", output="-"), catalog)
    assert job.source is None
    assert job.outputs[0].path is None
    (job,) = plan(_request(f".{os.sep}-"), catalog)
    assert job.source == Path("-")


def test_what_is_named_twice_is_done_once(tmp_path: Path, catalog: Catalog) -> None:
    made = outputs(catalog, tmp_path / "a.wav", tmp_path / "a.wav", to=("low", "low"))
    assert len(made) == 1


def test_outputs_that_would_replace_each_other_are_refused(
    tmp_path: Path, catalog: Catalog
) -> None:
    with pytest.raises(UsageError, match=r"would both be written to .*song-low\.wav"):
        outputs(catalog, tmp_path / "a/song.wav", tmp_path / "b/song.wav", output=f"{tmp_path}/out")


@pytest.mark.parametrize("link", [None, Path.symlink_to, Path.hardlink_to])
def test_an_input_is_never_overwritten(tmp_path: Path, catalog: Catalog, link: object) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    target = song
    if link is not None:
        target = tmp_path / "other.wav"
        link(target, song)
    with pytest.raises(UsageError, match="is an input"):
        plan(_request(song, output=str(target), overwrite=True), catalog)


def test_an_input_that_is_another_inputs_output_is_not_overwritten(
    tmp_path: Path, catalog: Catalog
) -> None:
    with pytest.raises(UsageError, match="is an input"):
        plan(_request(tmp_path / "a.wav", tmp_path / "a-low.wav", overwrite=True), catalog)


def test_existing_outputs_are_refused_one_by_one(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "a-low.wav").touch()
    (tmp_path / "b-low.wav").mkdir()
    jobs = plan(_request(*(tmp_path / f"{name}.wav" for name in "abc")), catalog)
    kinds = [type(job.outputs[0].refused) for job in jobs]
    assert kinds == [OutputExists, EncodeError, type(None)]
    jobs = plan(_request(tmp_path / "a.wav", overwrite=True), catalog)
    assert jobs[0].outputs[0].refused is None


def test_a_dangling_link_is_not_replaced(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "a-low.wav").symlink_to(tmp_path / "nowhere")
    (job,) = plan(_request(tmp_path / "a.wav"), catalog)
    assert isinstance(job.outputs[0].refused, OutputExists)


def test_float_in_a_format_without_float_is_refused_before_work(
    tmp_path: Path, catalog: Catalog
) -> None:
    (job,) = plan(_request(tmp_path / "a.flac", bits=32), catalog)
    assert isinstance(job.outputs[0].refused, EncodeError)


def test_an_unknown_domain_carries_suggestions(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(UnknownDomain) as caught:
        plan(_request(tmp_path / "a.wav", to=("hihg",)), catalog)
    assert caught.value.suggestions == ("high",)


def test_a_folder_without_audio_is_wrong_usage(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "cover.jpg").write_bytes(b"no picture")
    (tmp_path / ".hidden.wav").write_bytes(write(tmp_path / "x.wav", noise(0.1)).read_bytes())
    (tmp_path / "x.wav").unlink()
    with pytest.raises(UsageError, match="no audio in the folder"):
        plan(_request(tmp_path), catalog)


@pytest.mark.parametrize("empty", [{"inputs": ()}, {"to": ()}])
def test_nothing_to_do_is_wrong_usage(catalog: Catalog, empty: dict[str, tuple[str, ...]]) -> None:
    given = {"inputs": ("a.wav",), "to": ("low",), **empty}
    with pytest.raises(UsageError, match="Say what"):
        plan(Request(**given), catalog)


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
def test_a_seed_out_of_range_is_wrong_usage(tmp_path: Path, catalog: Catalog, seed: int) -> None:
    with pytest.raises(UsageError, match=rf"--seed takes 0 … {2**63 - 1}, not {seed}\."):
        outputs(catalog, tmp_path / "a.wav", seed=seed)


def test_the_outermost_seeds_are_taken(tmp_path: Path, catalog: Catalog) -> None:
    for seed in (0, 2**63 - 1):
        assert outputs(catalog, tmp_path / "a.wav", seed=seed)
