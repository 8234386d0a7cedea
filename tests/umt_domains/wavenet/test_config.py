"""Sizes: the paper's by default, and nothing else than sizes."""

from __future__ import annotations

from typing import Any

import pytest

from umt_domains.wavenet.config import DecoderConfig, EncoderConfig, from_mapping, to_mapping


@pytest.mark.parametrize("kind", [EncoderConfig, DecoderConfig])
def test_a_config_survives_json(kind: type[Any]) -> None:
    config = kind(blocks=2, layers=5)
    assert from_mapping(kind, to_mapping(config)) == config


def test_receptive_fields_are_the_published_ones() -> None:
    assert DecoderConfig(blocks=4, layers=10).receptive_field_samples == 4_094
    assert DecoderConfig(blocks=4, layers=14).receptive_field_samples == 65_534


def test_the_paper_hears_three_blocks_up_to_dilation_512() -> None:
    assert EncoderConfig().dilations == (1, 2, 4, 8, 16, 32, 64, 128, 256, 512) * 3
    assert EncoderConfig().reach_samples == 3 * 1023 + 1


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (EncoderConfig, {"kernel": 3}, "EncoderConfig has no 'kernel'"),
        (EncoderConfig, {"channels": 0}, "channels"),
        (EncoderConfig, {"channels": 10**9}, "channels"),
        (EncoderConfig, {"layers": 40}, "layers"),
        (DecoderConfig, {"blocks": 2.0}, "blocks"),
        (DecoderConfig, {"blocks": True}, "blocks"),
        (DecoderConfig, {"hop_samples": "800"}, "hop_samples .* type str"),
        (DecoderConfig, {"residual_channels": 12}, "residual_channels must be a multiple of 8"),
        (DecoderConfig, {"skip_channels": 12}, "skip_channels must be a multiple of 8"),
        (DecoderConfig, {"lead_frames": 1.0}, "lead_frames must be"),
        (DecoderConfig, {"lead_frames": -1}, "lead_frames must be"),
        (DecoderConfig, {"guidance": -0.1}, "guidance must be"),
        (DecoderConfig, {"guidance": float("nan")}, "guidance must be"),
        (DecoderConfig, {"guidance": "1"}, "guidance must be"),
    ],
)
def test_sizes_that_cannot_be_built_are_refused_by_name(
    kind: type[Any], values: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        from_mapping(kind, values)
