"""The tables, from rows whose answers are known."""

from typing import Any

import pytest

from starter.table import bars, density_error, log_mel, markdown, outside, own, recognised


def row(domain: str = "piano", kind: str = "clean", source: str = "violin", **other: Any) -> Any:
    return {
        "case": f"{kind}-{source}", "kind": kind, "source": source, "domain": domain,
        "num_notes": 100, "outside_f1": 0.76, "outside_f1_true": 0.8, "outside_density": 1.1,
        "own_f1": 0.81, "own_f1_true": 0.9, "own_density": 0.9, "log_mel": 4.0,
        "log_mel_source": 10.0, "recognised": domain, "clicks": 0, **other,
    }  # fmt: skip


def test_shares_are_of_what_is_heard_in_all_true_renderings() -> None:
    rows = [row(), row(outside_f1=0.1, outside_f1_true=0.2, log_mel=2.0)]
    assert outside(rows) == pytest.approx(0.86 / 1.0)
    assert own(rows) == pytest.approx(0.9)
    assert log_mel(rows) == pytest.approx(0.3)
    assert outside([]) is None


def test_what_could_not_be_measured_is_left_out() -> None:
    assert log_mel([row(), row(log_mel=None)]) == pytest.approx(0.4)


def test_recognition_counts_files() -> None:
    assert recognised([row(), row(recognised="harp"), row(recognised=None), row()]) == 0.5


def test_each_domain_has_its_judge() -> None:
    assert density_error([row("piano")]) == pytest.approx(0.1)
    assert density_error([row("choir")]) == pytest.approx(0.1)
    assert density_error([row("choir", own_density=1.5)]) == pytest.approx(0.5)
    # notes that are missing here and superfluous there do cancel: it is a density
    both = [row("piano", outside_density=0.8), row("piano", outside_density=1.2)]
    assert density_error(both) == pytest.approx(0)


def test_bars_are_met_or_not() -> None:
    rows = [
        row("piano"), row("strings", own_f1=0.6), row("piano", "drums", outside_f1=0.4),
        row("flute", "whistle", own_f1=0.95),
        {"case": "real-a", "kind": "real", "source": "a", "domain": "piano", "outside_f1": 0.7,
         "clicks": 0},
    ]  # fmt: skip
    found = {bar.what: bar for bar in bars(rows)}
    assert found["outside note F1 share, struck domains, clean"].met
    assert not found["the same, mixtures and drums"].met
    assert found["the same, reverb and mp3"].measured is None
    assert not found["the same, reverb and mp3"].met
    assert found["own note F1 share, held domains, clean"].measured == pytest.approx(0.6 / 0.9)
    assert found["real recordings to piano, outside note F1"].met
    assert found["whistle to every domain, note F1, worst domain"].met


def test_a_bar_that_asks_for_less_is_met_below_it() -> None:
    (bar,) = [bar for bar in bars([row(), row("harp", log_mel=6.0)]) if "log-mel" in bar.what]
    assert bar.what == "log-mel share, worst domain (harp)"
    assert (bar.measured, bar.met) == (pytest.approx(0.6), False)


def test_markdown_has_a_table_of_domains_and_one_of_sources() -> None:
    text = markdown([row(), row("choir", "reverb", "guitar"), row("choir")])
    assert "| guitar, reverb | – | 0.95 |" in text
    assert "| violin | 0.95 | 0.95 |" in text
    assert "| choir | 0.90 | 0.90 | – |" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_nothing_measured_is_a_table_of_nothing() -> None:
    assert "| – | no |" in markdown([])
