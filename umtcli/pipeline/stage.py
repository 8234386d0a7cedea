"""A network at work: the files that wait for it, and one call for all whose turn it is.

    file 1 ── block 4, block 5 ─┐
    file 2 ── block 1 ──────────┼─▶ one push ─▶ the next of each
    file 3 ── (nothing yet)     ┘

A network that computes many streams in the time of one is one stage for all files of a run.
One that computes each by itself, as `WindowedStreams` does, is a stage for each file: then
two files can be at it at the same time, on different cores.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from umtcli.domain import Decoder, Encoder, Streams
from umtcli.errors import UmtError
from umtcli.media import Block
from umtcli.optional import batches, owed_s, patient_streams
from umtcli.pipeline.device import torch_threads
from umtcli.pipeline.ear import Ear, Heard, hear
from umtcli.pipeline.jobs import Output
from umtcli.pipeline.lane import AnyLane, Step, play
from umtcli.pipeline.sinks import Deliverable
from umtcli.pipeline.voices import Voices, abandon

if TYPE_CHECKING:
    from umtcli.pipeline.passage import Passage

PIECE_S = 0.05
"""What many streams play at a time: files come and go, and are interrupted, between two
pieces. Whole latent frames, at least one."""


@dataclass(eq=False)
class Beat:
    """One block of a file on its way from the reader to the sinks."""

    passage: Passage
    block_TC: Block | None
    """None: the end of the file."""
    num_heard: int
    """Samples of the file so far."""
    turns_left: int = 0
    """At networks."""


@dataclass(eq=False)
class Part:
    """One output on its way: what plays it, and whether it still works."""

    output: Output
    lane: AnyLane
    sink: Deliverable
    stage: Stage
    """Of its decoder."""
    plays_mid: bool
    error: UmtError | None = None
    put_off: bool = False
    """Whether it is to be made again, since it failed together with others."""
    must_be_alone: bool = False
    """Whether nothing else may be in flight then."""
    owed_s: float = 0.0
    """Seconds that its decoder took and has not played yet."""

    @property
    def name(self) -> str:
        """Of the domain or mix, for messages."""
        return str(self.output.player)

    @property
    def all_parts(self) -> Sequence[Part]:
        """Itself, as a hearing has its parts."""
        return (self,)

    @property
    def works(self) -> bool:
        """Whether it is worth going on."""
        return self.error is None and not self.put_off


@dataclass(eq=False)
class Hearing:
    """One input on its way through one encoder, for all parts of its latent space."""

    ear: Ear
    stage: Stage
    parts: Sequence[Part]

    @property
    def all_parts(self) -> Sequence[Part]:
        """Those that hear by it."""
        return self.parts

    @property
    def works(self) -> bool:
        """Whether anybody still wants to hear it."""
        return any(part.works for part in self.parts)


@dataclass
class Item:
    """What waits for a network."""

    member: Part | Hearing
    beat: Beat
    step: Step | None = None
    """Of a part; a hearing's is its beat."""


@dataclass(eq=False)
class Stage:
    """One network's streams, and what waits to go through them."""

    streams: Streams
    shared: bool
    """Whether all files of the run go through it."""
    piece_frames: int | None = None
    """Most latent frames that are played at a time; None: all there are."""
    busy: bool = False
    broken: bool = False
    """Whether its network failed: in what state it is, nobody knows."""
    most_files: int = 0
    """At any networks at the same time, since its last call began."""
    members: set[Part | Hearing] = field(default_factory=set)
    """Who may have streams in it."""
    _lines: dict[Part | Hearing, deque[Item]] = field(default_factory=dict)
    _leaving: list[Voices] = field(default_factory=list)

    def add(self, item: Item, *, first: bool = False) -> None:
        """Let something wait for its turn."""
        line = self._lines.setdefault(item.member, deque())
        if first:
            line.appendleft(item)
        else:
            line.append(item)

    def take(self) -> list[Item]:
        """What comes next of each file."""
        items = [line.popleft() for line in self._lines.values()]
        self._lines = {member: line for member, line in self._lines.items() if line}
        return items

    def drain(self) -> list[Item]:
        """Everything that waits; nobody will have a turn here again."""
        items = [item for line in self._lines.values() for item in line]
        self._lines.clear()
        self.members.clear()
        return items

    def leave(self, member: Part | Hearing) -> None:
        """A file is over, or given up."""
        self.members.discard(member)
        voices = member.ear.voices if isinstance(member, Hearing) else [member.lane.voices]
        self._leaving += voices

    @property
    def waited_for(self) -> bool:
        """Whether something can be done here now."""
        return bool(self._lines) and not self.busy

    def hear(self, items: Sequence[Item]) -> list[Heard]:
        """Take files a beat further."""
        self._clear()
        listening = []
        for item in items:
            assert isinstance(item.member, Hearing)
            listening.append((item.member.ear, item.beat.block_TC))
        return hear(self.streams, listening)

    def play(self, items: Sequence[Item]) -> list[tuple[Exception | None, Step | None]]:
        """Take parts a piece further: for each what failed after the network, and the rest."""
        self._clear()
        cuts = []
        for item in items:
            assert item.step is not None
            whole = self.piece_frames is None
            cuts.append((item.step, None) if whole else item.step.cut(self.piece_frames or 1))
        errors = play(self.streams, [step for step, _ in cuts])
        for item in items:
            assert isinstance(item.member, Part)
            item.member.owed_s = owed_s(self.streams, item.member.lane.voices.ids)
        pairs = zip(errors, cuts, strict=True)
        return [(error, rest or step.owed) for error, (step, rest) in pairs]

    def _clear(self) -> None:
        leaving, self._leaving = self._leaving, []
        abandon(self.streams, leaving)


class Stages:
    """The stages of a run; each file asks for its own while it is opened."""

    def __init__(self, num_threads: int = 1) -> None:
        """Begin with none.

        Args:
            num_threads: that a network may share out among its streams.
        """
        self._num_threads = num_threads
        self._lock = threading.Lock()
        self._shared: dict[tuple[int, bool], tuple[object, Stage]] = {}
        """By the identity of a network, which stays its own as long as it is here, and whether
        it is patient."""

    def encoder(self, encoder: Encoder) -> Stage:
        """Where a file is heard."""
        return self._of((id(encoder), False), encoder, encoder.streams, None)

    def decoder(self, decoder: Decoder, seed: int, frame_rate: float, *, patient: bool) -> Stage:
        """Where an output is played.

        Args:
            decoder: what plays.
            seed: of the run.
            frame_rate: of the latents, in Hz.
            patient: whether nobody waits for the first second.
        """

        def start() -> Streams:
            return patient_streams(decoder, seed) if patient else decoder.streams(seed)

        piece_frames = math.ceil(PIECE_S * frame_rate)
        return self._of((id(decoder), patient), decoder, start, piece_frames)

    def forget(self, stage: Stage) -> None:
        """One that failed is in an unknown state: the next file gets another."""
        with self._lock:
            self._shared = {key: own for key, own in self._shared.items() if own[1] is not stage}

    def _of(
        self,
        key: tuple[int, bool],
        network: object,
        start: Callable[[], Streams],
        piece_frames: int | None,
    ) -> Stage:
        # equal networks are one object for the whole run, see Machines
        with self._lock:
            if key in self._shared:
                return self._shared[key][1]
            with torch_threads(self._num_threads):
                streams = start()
            if not batches(streams):
                return Stage(streams, shared=False)
            stage = Stage(streams, shared=True, piece_frames=piece_frames)
            self._shared[key] = (network, stage)
            return stage
