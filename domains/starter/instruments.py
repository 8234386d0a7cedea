"""Which General MIDI programs make good practice music, and what each of them can play.

Ranges end where FluidR3 GM falls silent (most samples stop at 84, 96 or 108) or out of tune,
and are wider than the real instruments': the listening network should know every register in
many timbres. Decays are the measured times to about -35 dB at MIDI pitches 36, 60 and 84.

Left out of the table, as measured on single notes (spectrum of every pitch from 21 to 108):

- 16, 17, 18, drawbar, percussive and rock organ: a 16' stop puts 20 to 60 % of the energy on
  subharmonics, an octave below what the score says. 19, church organ, does so from 70 up
  (-10 dB) and is kept, since it is a domain.
- 9 glockenspiel, 14 tubular bells, 31 guitar harmonics, 114 steel drums: 90 % and more of the
  energy an octave or more above the written pitch. 15 dulcimer and 93 metallic pad: octave
  pairs. 104 sitar: its octave is 10 dB over its fundamental below 60, so it starts at 60.
- 86 fifths lead, 97 soundtrack pad: sound a fifth or an octave below as well.
- 55 orchestra hit: sounds an octave low as well. 47 timpani, 113, 115 to 119 percussion:
  no clear pitch, or 50 cents off. 120 to 127: sound effects.
- 89, 91, 94, 95, 100, 101, 102, pads: take a second to speak, or ring for more than a second
  after the note, so that the score does not say what is heard.
- 37 slap bass, 112 tinkle bell: noise or inharmonic partials carry much of the energy.
  110 fiddle is the violin's samples again; 109 bagpipe and 111 shanai bury the fundamental
  (-14 to -26 dB).
"""

from dataclasses import dataclass

from starter.compose import Style


@dataclass(frozen=True)
class Instrument:
    """A General MIDI program and what it can be asked to play."""

    program: int
    name: str
    style: Style

    @property
    def sustains(self) -> bool:
        """Whether a note sounds as long as it is held."""
        return self.style.decay_s is None

    @property
    def monophonic(self) -> bool:
        """Whether it plays single lines only."""
        return self.style.max_voices == 1


Decay = tuple[float, float, float]

SLOW_S = 0.2
"""Shortest step for instruments that speak slowly: faster notes would not be heard at all."""


def _plucked(program: int, name: str, low: int, high: int, decay_s: Decay) -> Instrument:
    return Instrument(program, name, Style(low, high, 6, decay_s=decay_s))


def _chordal(program: int, name: str, low: int, high: int, fastest_s: float = 0.083) -> Instrument:
    return Instrument(program, name, Style(low, high, 6, fastest_s))


def _bowed(program: int, name: str, low: int, high: int) -> Instrument:
    return Instrument(program, name, Style(low, high, 2, 0.1))


def _single(program: int, name: str, low: int, high: int, fastest_s: float = 0.09) -> Instrument:
    return Instrument(program, name, Style(low, high, 1, fastest_s))


_TABLE = (
    _plucked(0, "piano", 21, 108, (5.0, 3.0, 1.0)),
    _plucked(1, "bright-piano", 21, 108, (5.0, 3.0, 1.0)),
    _plucked(2, "electric-grand", 24, 103, (2.2, 2.0, 1.5)),
    _plucked(3, "honky-tonk", 31, 103, (2.3, 1.7, 0.5)),
    _plucked(4, "rhodes", 28, 103, (5.0, 4.0, 1.4)),
    _plucked(5, "dx-piano", 24, 103, (5.0, 3.2, 1.3)),
    _plucked(6, "harpsichord", 29, 89, (3.2, 1.8, 0.8)),
    _plucked(7, "clavinet", 29, 96, (3.4, 2.7, 1.3)),
    _plucked(8, "celesta", 36, 108, (1.3, 1.2, 0.9)),
    _plucked(10, "music-box", 48, 108, (1.4, 1.3, 0.8)),
    _plucked(11, "vibraphone", 36, 103, (1.8, 1.6, 0.9)),
    _plucked(12, "marimba", 36, 100, (1.0, 0.55, 0.33)),
    _plucked(13, "xylophone", 48, 108, (0.6, 0.25, 0.14)),
    _chordal(19, "organ", 36, 96),
    _chordal(20, "reed-organ", 36, 100),
    _chordal(21, "accordion", 36, 103),
    _single(22, "harmonica", 48, 96),
    _chordal(23, "bandoneon", 36, 100),
    _plucked(24, "guitar", 36, 91, (4.3, 1.7, 0.45)),
    _plucked(25, "steel-guitar", 44, 91, (4.5, 2.2, 0.4)),
    _plucked(26, "jazz-guitar", 36, 91, (4.0, 3.2, 2.0)),
    _plucked(27, "clean-guitar", 36, 96, (4.0, 3.8, 1.0)),
    _plucked(28, "muted-guitar", 36, 72, (1.8, 0.25, 0.12)),
    _chordal(29, "overdriven-guitar", 40, 88),
    _chordal(30, "distorted-guitar", 40, 88),
    _plucked(32, "acoustic-bass", 24, 72, (3.5, 1.4, 1.0)),
    _single(33, "fingered-bass", 24, 72),
    _single(34, "picked-bass", 24, 72),
    _plucked(35, "fretless-bass", 24, 72, (5.0, 3.0, 0.7)),
    _single(36, "slap-bass", 28, 72),
    _plucked(38, "synth-bass", 24, 88, (0.9, 0.8, 0.25)),
    _single(39, "synth-bass-2", 24, 84),
    _bowed(40, "violin", 55, 90),
    _bowed(41, "viola", 45, 96),
    _bowed(42, "cello", 33, 81),
    _bowed(43, "contrabass", 24, 57),
    _chordal(44, "tremolo-strings", 38, 96, SLOW_S),
    _plucked(45, "pizzicato", 36, 96, (1.2, 0.6, 0.4)),
    _plucked(46, "harp", 24, 100, (2.5, 1.5, 0.15)),
    _chordal(48, "strings", 28, 96, 0.11),
    _chordal(49, "slow-strings", 28, 96, SLOW_S),
    _chordal(50, "synth-strings", 36, 100, 0.12),
    _chordal(51, "synth-strings-2", 36, 100, 0.15),
    _chordal(52, "choir", 36, 96, SLOW_S),
    _chordal(53, "voice-oohs", 36, 96, 0.12),
    _chordal(54, "synth-voice", 36, 100, 0.15),
    _single(56, "trumpet", 50, 96),
    _single(57, "trombone", 36, 84),
    _single(58, "tuba", 24, 70),
    _single(59, "muted-trumpet", 50, 92),
    _chordal(60, "french-horn", 34, 88, 0.1),
    _chordal(61, "brass", 34, 96, 0.1),
    _chordal(62, "synth-brass", 36, 100, 0.1),
    _chordal(63, "synth-brass-2", 36, 100, 0.1),
    _single(64, "soprano-sax", 52, 94),
    _single(65, "alto-sax", 46, 84),
    _single(66, "tenor-sax", 40, 92),
    _single(67, "baritone-sax", 38, 72),
    _single(68, "oboe", 56, 94),
    _single(69, "english-horn", 48, 84),
    _single(70, "bassoon", 33, 76),
    _single(71, "clarinet", 45, 96),
    _single(72, "piccolo", 60, 108, 0.15),
    _single(73, "flute", 55, 103),
    _single(74, "recorder", 55, 96, 0.12),
    _single(75, "pan-flute", 50, 100, 0.15),
    _single(76, "bottle", 48, 100, 0.18),
    _single(77, "shakuhachi", 50, 100, 0.18),
    _single(78, "whistle", 60, 103, 0.18),
    _single(79, "ocarina", 55, 103),
    _chordal(80, "square-lead", 36, 103),
    _chordal(81, "saw-lead", 36, 103),
    _chordal(82, "calliope", 48, 100),
    _chordal(83, "chiff", 40, 100),
    _chordal(84, "charang", 36, 96),
    _chordal(85, "solo-voice", 40, 100, 0.12),
    _chordal(87, "bass-and-lead", 30, 96),
    _chordal(88, "new-age-pad", 36, 100, 0.12),
    _chordal(90, "polysynth-pad", 36, 96, SLOW_S),
    _chordal(92, "bowed-pad", 40, 96, SLOW_S),
    _chordal(96, "ice-rain", 36, 100, 0.12),
    _plucked(98, "crystal", 36, 100, (1.5, 1.5, 1.3)),
    _chordal(99, "atmosphere", 36, 96, 0.12),
    _chordal(103, "sci-fi", 36, 96, 0.12),
    _plucked(104, "sitar", 60, 96, (2.0, 2.0, 0.8)),
    _plucked(105, "banjo", 42, 92, (1.5, 1.0, 0.25)),
    _plucked(106, "shamisen", 48, 91, (2.0, 1.5, 0.9)),
    _plucked(107, "koto", 40, 96, (1.2, 0.8, 1.0)),
    _plucked(108, "kalimba", 44, 96, (0.4, 0.3, 0.35)),
)

INSTRUMENTS: dict[int, Instrument] = {entry.program: entry for entry in _TABLE}
"""By General MIDI program."""

BY_NAME: dict[str, Instrument] = {entry.name: entry for entry in _TABLE}
