"""Options take what users type; domains come from the metadata of bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toy import ToyFamily, make_toy
from umtcli.domain import Domain, LatentSpace, Option, resolve_options
from umtcli.errors import BundleError, OptionError

GAIN = Option("gain_db", 0.0, minimum=-60, maximum=12, unit="dB")
VOICES = Option("voices", 1, minimum=1)
DRY = Option("dry", default=False)
MODE = Option("mode", "soft")


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (GAIN, "-3.5", -3.5),
        (GAIN, "-60", -60.0),
        (GAIN, "12", 12.0),
        (VOICES, "7", 7),
        (DRY, "yes", True),
        (DRY, "FALSE", False),
        (MODE, "loud", "loud"),
    ],
)
def test_text_becomes_a_value_of_the_options_type(option: Option, text: str, value: object) -> None:
    parsed = option.parse(text)
    assert parsed == value
    assert type(parsed) is type(option.default)


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        (GAIN, "loud", "gain_db takes float, not 'loud'"),
        (GAIN, "12.1", "gain_db must be in -60 … 12 dB, not 12.1"),
        (GAIN, "nan", "gain_db must be in -60 … 12 dB, not nan"),
        (GAIN, "inf", "must be in"),
        (VOICES, "1.5", "voices takes int, not '1.5'"),
        (VOICES, "0", "voices must be in 1 …, not 0"),
        (DRY, "maybe", "dry takes bool, not 'maybe'"),
    ],
)
def test_wrong_text_is_refused_with_the_range(option: Option, text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        option.parse(text)


@given(st.floats())
def test_a_parsed_number_is_always_in_range(value: float) -> None:
    try:
        parsed = GAIN.parse(repr(value))
    except OptionError:
        assert not -60 <= value <= 12
    else:
        assert parsed == value
        assert -60 <= value <= 12


def test_options_not_given_have_their_defaults() -> None:
    assert resolve_options(ToyFamily(), {}) == {"gain_db": 0.0}
    assert resolve_options(ToyFamily(), {"gain_db": "-6"}) == {"gain_db": -6.0}


def test_an_unknown_option_names_those_there_are() -> None:
    with pytest.raises(OptionError, match=r"toy family has no option 'gian' \(it has: gain_db\)"):
        resolve_options(ToyFamily(), {"gian": "1"})


def test_a_domain_is_read_from_its_bundle(tmp_path: Path) -> None:
    toy = make_toy(tmp_path, {"low": 110.0})
    domain = Domain.from_bundle(str(toy.decoders[0]))
    assert (domain.name, domain.family, domain.sample_rate) == ("low", "toy", 16_000)
    assert domain.decoder == toy.decoders[0]
    assert (domain.licence, domain.description) == ("CC0-1.0", "a sine at 110 Hz")
    assert domain.space.name == "toy/1"
    assert isinstance(hash(domain), int)


def test_an_encoder_is_no_domain(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"toy-encoder\.safetensors is .* kind encoder"):
        Domain.from_bundle(make_toy(tmp_path).encoder)


def test_a_space_shows_its_name_and_fingerprint() -> None:
    assert str(LatentSpace("toy/1", 2, 100.0, "abcd")) == "toy/1 (abcd)"
