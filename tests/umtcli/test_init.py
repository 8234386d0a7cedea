"""What `import umtcli` exports is frozen: a change here is a change of the public API."""

from __future__ import annotations

import pytest

import umtcli


def test_the_public_names_are_these_and_all_resolve() -> None:
    assert umtcli.__all__ == ["Domain", "UmtError", "__version__", "blend", "convert", "hookimpl"]
    for name in umtcli.__all__:
        assert getattr(umtcli, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "nope"
    with pytest.raises(AttributeError, match="'umtcli' has no attribute 'nope'"):
        getattr(umtcli, name)
