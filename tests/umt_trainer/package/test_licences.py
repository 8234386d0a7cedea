"""Licences in any words become what build tools accept."""

import pytest

from umt_trainer.package import spdx_expression


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("cc by-nc 4.0", "CC-BY-NC-4.0"),
        ("mit", "MIT"),
        ("CC0 1.0", "CC0-1.0"),
        ("ask me first", "LicenseRef-ask-me-first"),
        ("© Ann", "LicenseRef-Ann"),
        ("私", "LicenseRef-unnamed"),
    ],
)
def test_known_ones_are_named_and_others_referred_to(said: str, expression: str) -> None:
    assert spdx_expression(said) == expression
