"""What is heard beside what is written."""

from pathlib import Path

import mido
import pytest

from starter.performance import Part, Stop, Touch, write_parts, written
from starter.score import Score
from umt_trainer.midi import Note, read_midi

SCORE = Score((Note(0.0, 1.0, 60, 80), Note(1.0, 2.0, 100, 70)), 3.0)


def messages(parts: list[Part], path: Path) -> list[mido.Message]:
    write_parts(parts, path)
    return [message for message in mido.MidiFile(path) if not message.is_meta]


def test_stops_sound_on_channels_of_their_own_and_are_not_written(tmp_path: Path) -> None:
    stops = (Stop(74, 12, -6.0), Stop(19, -12, -12.0))
    part = Part(SCORE, 19, touch=Touch(stops))
    heard = messages([part], tmp_path / "heard.mid")
    assert [m.program for m in heard if m.type == "program_change"] == [19, 74, 19]
    assert {(m.channel, m.note) for m in heard if m.type == "note_on" and m.note < 90} == {
        *((0, 60), (1, 72), (2, 48), (2, 88))
    }
    # twice the volume is 12 dB
    volumes = [m.value for m in heard if m.type == "control_change" and m.control == 7]
    assert volumes == [100, 71, 50]
    assert written([part]).notes == SCORE.notes


def test_mixtures_break_back_by_octaves() -> None:
    stop = Stop(19, semitones=31, highest=96)
    assert [stop.pitch(key) for key in (60, 65, 66, 80, 96)] == [91, 96, 85, 87, 91]


def test_drums_and_noises_are_heard_but_not_written(tmp_path: Path) -> None:
    drums = Part(Score((Note(0.0, 0.1, 38, 90),), 1.0), 16, "drums")
    noise = Part(Score((Note(0.5, 0.9, 60, 90),), 1.0), 126, "noise")
    heard = messages([Part(SCORE, 0), drums, noise], tmp_path / "heard.mid")
    assert {m.channel for m in heard if m.type == "note_on"} == {0, 9, 1}
    assert [(m.channel, m.program) for m in heard if m.type == "program_change"] == [
        *((0, 0), (9, 16), (1, 126))
    ]
    assert written([Part(SCORE, 0), drums, noise]) == SCORE
    assert written([drums]).notes == ()


def test_two_players_of_one_key_are_written_as_one_note() -> None:
    other = Score((Note(0.005, 1.5, 60, 100),), 2.0)
    notes = written([Part(SCORE, 0), Part(other, 40)]).notes
    assert [(note.start_s, note.end_s, note.pitch) for note in notes] == [
        *((0.0, 1.5, 60), (1.0, 2.0, 100))
    ]


def test_a_scoop_begins_below_and_ends_on_the_note(tmp_path: Path) -> None:
    part = Part(SCORE, 73, touch=Touch(scoop_cents=100.0))
    write_parts([part], tmp_path / "heard.mid")
    now_s, bends = 0.0, []
    for message in mido.MidiFile(tmp_path / "heard.mid"):
        now_s += message.time
        if message.type == "pitchwheel":
            bends.append((round(now_s, 3), message.pitch))
        if message.type == "note_on":
            assert bends[-1] == (round(now_s, 3), -4096)  # half of the wheel's two semitones
    first = [pitch for time_s, pitch in bends if time_s < 0.9][1:]
    assert first == sorted(first)
    assert first[-1] == 0
    assert max(time_s for time_s, _ in bends if time_s < 0.9) == pytest.approx(0.1)


def test_vibrato_swells_and_tuning_are_asked_for(tmp_path: Path) -> None:
    touch = Touch((Stop(73, cents=-10.0),), vibrato=90, swells=True)
    heard = messages([Part(SCORE, 73, touch=touch)], tmp_path / "heard.mid")
    controls = [(m.channel, m.control, m.value) for m in heard if m.type == "control_change"]
    assert {(0, 1, 90), (1, 1, 90)} <= set(controls)
    swells = [[v for c, n, v in controls if n == 11 and c == channel] for channel in (0, 1)]
    assert swells[0] == swells[1]
    assert len(swells[0]) == 30  # a tenth of a second each
    assert all(abs(b - a) <= 4 for a, b in zip(swells[0], swells[0][1:], strict=False))
    bend = next(m.pitch for m in heard if m.type == "pitchwheel" and m.channel == 1)
    assert bend == round(-10 / 200 * 8192)


def test_what_is_heard_keeps_its_times(tmp_path: Path) -> None:
    write_parts([Part(SCORE, 0)], tmp_path / "heard.mid")
    assert read_midi(tmp_path / "heard.mid") == list(SCORE.notes)


def test_more_stops_than_channels_are_refused(tmp_path: Path) -> None:
    part = Part(SCORE, 19, touch=Touch((Stop(19),) * 15))
    with pytest.raises(ValueError, match=r"heard\.mid needs more than 15 channels"):
        write_parts([part], tmp_path / "heard.mid")
