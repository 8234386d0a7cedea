"""The conformance kit: does a domain keep the contract of `umtcli.domain`?

Each check is a function that returns None, or the reason why the domain fails it.
`umt check NAME` prints them; a plugin's own tests can call `check_domain`.

T samples, C latent channels, F latent frames.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.pipeline.check_notes import notes_are_whole
from umtcli.pipeline.machines import blame
from umtcli.pipeline.subject import Subject, feed

TOLERANCE = 1e-5
"""How far pieces may be from the whole; the contract's figure."""
SILENCE_DBFS = -70.0
MUST_SAY = ("licence", "description", "data", "recipe")
"""What a domain's provenance must tell those who play it."""


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check."""

    name: str
    passed: bool
    reason: str = ""
    """Why it failed; empty if it passed."""


def check_domain(catalog: Catalog, domain: Domain, device: str = "cpu") -> list[CheckResult]:
    """Run every check on a domain.

    Args:
        catalog: where its family and its encoder are found.
        domain: the domain under test.
        device: where its networks run.
    """
    try:
        subject = Subject(catalog, domain, device)
    except Exception as e:
        return [CheckResult("loads", passed=False, reason=str(blame(e, "loading")))]
    results = [CheckResult("loads", passed=True)]
    for name, check in CHECKS.items():
        try:
            reason = check(subject)
        except Exception as e:
            # whatever a plugin raises is a finding, and the other checks go on
            reason = f"{type(e).__name__}: {e}"
        results.append(CheckResult(name, reason is None, reason or ""))
    return results


def metadata_is_complete(subject: Subject) -> str | None:
    """Who plays a domain must be able to learn what it is and where it came from."""
    provenance = subject.decoder_info.provenance
    missing = [key for key in MUST_SAY if provenance.get(key, "").strip() in ("", "unknown")]
    if missing:
        return f"the decoder's provenance lacks {', '.join(missing)}"
    if not subject.encoder_info.provenance.get("licence", "").strip():
        return "the encoder's provenance lacks licence"
    return None


def declarations_agree(subject: Subject) -> str | None:
    """The machines are what their bundles say."""
    encoder, decoder = subject.encoder, subject.decoder
    if encoder.space != subject.encoder_info.space:
        return f"the encoder emits {encoder.space}, its bundle says {subject.encoder_info.space}"
    if encoder.sample_rate != subject.encoder_info.sample_rate:
        return f"the encoder takes {encoder.sample_rate} Hz, its bundle says otherwise"
    if decoder.sample_rate != subject.decoder_info.sample_rate:
        return f"the decoder makes {decoder.sample_rate} Hz, its bundle says otherwise"
    for name, lookahead_s in (("en", encoder.lookahead_s), ("de", decoder.lookahead_s)):
        if not 0 <= lookahead_s < math.inf:
            return f"the {name}coder's lookahead_s is {lookahead_s}"
    return None


def shapes_are_right(subject: Subject) -> str | None:
    """(T,) → (C, F) → (T,), float32, finite, whatever the level."""
    channels = subject.encoder.space.channels
    noise_T = torch.randn(4001, generator=torch.Generator().manual_seed(1)).sign()
    for what, wav_T in (("music", subject.music), ("full-scale noise", noise_T)):
        latent_CF = feed(subject.encoder.streams(), wav_T)
        if latent_CF.dim() != 2 or latent_CF.shape[0] != channels:
            return f"the encoder gives {tuple(latent_CF.shape)} for C = {channels}"
        playable_CF = latent_CF[:, : subject.latents.shape[-1]]
        out_T = feed(subject.decoder.streams(), playable_CF)
        if out_T.dim() != 1:
            return f"the decoder gives {tuple(out_T.shape)}, not (T,)"
        for name, tensor in (("encoder", latent_CF), ("decoder", out_T)):
            if tensor.dtype != torch.float32:
                return f"the {name} gives {tensor.dtype}"
            if not tensor.isfinite().all():
                return f"the {name} gives infinities or NaN for {what}"
    return None


def lengths_follow_the_formula(subject: Subject) -> str | None:
    """T samples give ceil(T · frames/s / samples/s) frames, F frames their share of samples."""
    encoder, decoder = subject.encoder, subject.decoder
    frame_rate = encoder.space.frame_rate
    for num_samples in (0, 1, 997, len(subject.music)):
        got = feed(encoder.streams(), subject.music[:num_samples]).shape[-1]
        # rounded first: 0.1 + 0.2 must not become one frame more
        wanted = math.ceil(round(num_samples * frame_rate / encoder.sample_rate, 6))
        if got != wanted:
            return f"the encoder gives {got} frames for {num_samples} samples, not {wanted}"
    for num_frames in (0, 1, 7, subject.latents.shape[-1]):
        got = feed(decoder.streams(), subject.latents[:, :num_frames]).shape[-1]
        wanted = round(num_frames * decoder.sample_rate / frame_rate)
        if got != wanted:
            return f"the decoder gives {got} samples for {num_frames} frames, not {wanted}"
    return None


def pieces_equal_the_whole(subject: Subject) -> str | None:
    """However the input is cut, the output is the same within 1e-5."""
    rng = random.Random(0)
    for name, start, signal in subject.both():
        whole = feed(start(), signal)
        for largest in (3, 40, 3000):
            pieces = _random_pieces(signal.shape[-1], largest, rng)
            error = _difference(feed(start(), signal, pieces), whole)
            if error > TOLERANCE:
                return f"the {name} differs by {error:.1e} when cut into {len(pieces)} pieces"
    return None


def neighbours_never_matter(subject: Subject) -> str | None:
    """A stream gives the same alone and among others that start and end at other times."""
    for name, start, signal in subject.both():
        alone = feed(start(), signal, key=5)
        streams, half = start(), signal.shape[-1] // 2
        others = [streams.open(key) for key in (1, 2)]
        mine = streams.open(key=5)
        loud = signal.flip(-1) * 3
        first = streams.push({others[0]: loud, mine: signal[..., :half], others[1]: loud[..., :9]})
        streams.finish(others[:1])
        last = streams.push({others[1]: loud, mine: signal[..., half:]})
        ends = streams.finish([mine, others[1]])
        among = torch.cat([first[mine], last[mine], ends[mine]], dim=-1).cpu()
        error = _difference(among, alone)
        if error > TOLERANCE:
            return f"the {name} differs by {error:.1e} among other streams"
    return None


def same_seed_same_result(subject: Subject) -> str | None:
    """Seed, key and input decide the output: not the run, not the stream's number."""
    for name, start, signal in subject.both():
        once = feed(start(), signal, key=3)
        streams = start()
        feed(streams, signal[..., :5], key=9)
        again, twin = (feed(streams, signal, key=3) for _ in range(2))
        for other in (again, twin):
            if _difference(other, once) > 0:
                return f"the {name} gives another result for the same seed and key"
    return None


def inputs_are_left_alone(subject: Subject) -> str | None:
    """A block belongs to the caller, who may use it again."""
    for name, start, signal in subject.both():
        block = signal.clone()
        feed(start(), block)
        if not torch.equal(block, signal):
            return f"the {name} writes into the blocks it is given"
    return None


def silence_stays_silent(subject: Subject) -> str | None:
    """Digital silence comes out at −70 dBFS or less."""
    silent_T = torch.zeros_like(subject.music)
    silent_CF = subject.latents_for_decoder(silent_T)
    level_dbfs = _level_dbfs(feed(subject.decoder.streams(), silent_CF))
    if level_dbfs > SILENCE_DBFS:
        return f"silence comes out at {level_dbfs:.1f} dBFS"
    return None


def music_is_heard(subject: Subject) -> str | None:
    """Music comes out as more than silence."""
    level_dbfs = _level_dbfs(feed(subject.decoder.streams(), subject.latents))
    if level_dbfs <= SILENCE_DBFS:
        return f"music near −20 dBFS comes out at {level_dbfs:.1f} dBFS"
    return None


def lookahead_is_honoured(subject: Subject) -> str | None:
    """A frame is out once `lookahead_s` more input than it covers was pushed."""
    encoder, decoder = subject.encoder, subject.decoder
    frame_rate = encoder.space.frame_rate
    plans = (
        ("encoder", encoder.streams(), encoder.sample_rate, frame_rate, encoder.lookahead_s),
        ("decoder", decoder.streams(), frame_rate, decoder.sample_rate, decoder.lookahead_s),
    )
    for (name, streams, rate_in, rate_out, lookahead_s), (_, _, signal) in zip(
        plans, subject.both(), strict=True
    ):
        stream_id, pushed, out = streams.open(), 0, 0
        for block in torch.split(signal, max(round(rate_in / 10), 1), dim=-1):
            out += streams.push({stream_id: block})[stream_id].shape[-1]
            pushed += block.shape[-1]
            due = math.floor((pushed / rate_in - lookahead_s) * rate_out + 1e-6)
            if out < due:
                return (
                    f"the {name} holds back: {out} of {due} due after {pushed / rate_in:.2f} s, "
                    f"with a lookahead of {lookahead_s:g} s"
                )
    return None


def options_work_in_their_range(subject: Subject) -> str | None:
    """Each option's default is in range, and both ends of its range play, or both answers."""
    latent_CF = subject.latents[:, : math.ceil(subject.encoder.space.frame_rate / 4)]
    for option in subject.family.options:
        option.parse(str(option.default))
        kind = type(option.default)
        for end in (False, True) if kind is bool else (option.minimum, option.maximum):
            if end is not None:
                decoder = subject.decoder_with({option.name: kind(end)})
                if not feed(decoder.streams(), latent_CF).isfinite().all():
                    return f"{option.name}={end:g} gives infinities or NaN"
    return None


CHECKS: dict[str, Callable[[Subject], str | None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        metadata_is_complete,
        declarations_agree,
        shapes_are_right,
        lengths_follow_the_formula,
        pieces_equal_the_whole,
        neighbours_never_matter,
        same_seed_same_result,
        inputs_are_left_alone,
        silence_stays_silent,
        music_is_heard,
        lookahead_is_honoured,
        options_work_in_their_range,
        notes_are_whole,
    )
}


def _random_pieces(length: int, largest: int, rng: random.Random) -> tuple[int, ...]:
    """Lengths, zero included, that sum to `length`: few short ones in a row, all over it.

    │▏▏▏       ▏▏▏ │      ▏▏▏   …   ▏▏▏  │
    """
    ends = [0, length]
    for start in (0, *(rng.randint(0, length) for _ in range(15))):
        for _ in range(3):
            start = min(start + rng.randint(0, largest), length)
            ends.append(start)
    ends.sort()
    return tuple(end - start for start, end in pairwise(ends))


def _difference(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        return math.inf
    return float((a - b).abs().max()) if a.numel() else 0.0


def _level_dbfs(wav_T: Tensor) -> float:
    return 10 * math.log10(float(wav_T.double().square().mean()) + 1e-20)
