"""Notes on their way: latents in, a MIDI file out.

    latents ─▶ what the family tells of them ─▶ MidiWriter ─▶ song.mid

N events.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

import umtcli
from umtcli.errors import EncodeError, PluginError, cannot_write
from umtcli.media.midi import MidiWriter
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.holdings import Holdings
from umtcli.pipeline.jobs import Output
from umtcli.pipeline.sinks import Delivered, SinkSettings, claim
from umtcli.pipeline.voices import Turn, Voices


class NoteLane:
    """A scribe on its way through one file: what a `Lane` and its sink are to a player."""

    def __init__(self, output: Output, settings: SinkSettings, cleanup: Holdings) -> None:
        """Claim the file.

        Args:
            output: whose player is a scribe.
            settings: of the input.
            cleanup: what is incomplete when it closes disappears.

        Raises:
            OutputBusy: another run is making it.
            EncodeError: nothing can be written there.
        """
        self.voices = Voices(1)
        self._output = output
        self._settings = settings
        self._duration_s = 0.0
        self._pending = claim(output, self._record)
        cleanup.callback(self._pending.discard)
        space = output.player.lead.space.name
        try:
            # unbuffered: where it is given up, closing it has nothing left to write
            self._file = self._pending.path.open("r+b", buffering=0)
            cleanup.callback(self._file.close)
            self._midi = MidiWriter(self._file, f"heard by umt {umtcli.__version__}, {space}")
        except OSError as e:
            raise self._refused(e) from e

    def turn(self, heard: Heard, *, last: bool) -> Turn:
        """What the notes are to be found in: the mid, or the only channel."""
        return Turn(self.voices, (heard.mid or heard.sides)[:1], last)

    def take(self, played: Sequence[Tensor], heard: Heard, num_heard: int, *, last: bool) -> None:
        """Write down what was found.

        Args:
            played: one block of events, (3, N).
            heard: since the last call.
            num_heard: samples of the file so far, at its rate.
            last: whether the file ended.

        Raises:
            EncodeError: the file cannot grow.
            PluginError: these are no notes.
        """
        del heard, last  # notes have their own times, and end by themselves
        self._duration_s = num_heard / self._settings.sample_rate
        try:
            for time_s, pitch, velocity in played[0].T.tolist():
                self._midi.note(time_s, int(pitch), int(velocity))
        except OSError as e:
            raise self._refused(e) from e
        except (ValueError, OverflowError) as e:
            raise PluginError(f"The family told a note that is none: {e}.") from e

    def deliver(self) -> Delivered:
        """Complete the file.

        Raises:
            EncodeError: it cannot be completed; nothing is left of it.
        """
        try:
            self._midi.close(self._duration_s)
            self._file.close()
            self._pending.commit()
        except OSError as e:
            raise self._refused(e) from e
        return Delivered(self._duration_s, gain_db=None, limited_by_ceiling=False)

    def _record(self, file: Path) -> None:
        self._settings.record(self._output, file, self._duration_s)

    def _refused(self, error: OSError) -> EncodeError:
        return EncodeError(cannot_write(self._output, error))
