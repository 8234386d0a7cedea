"""Audio files in and out: the only place that knows ffmpeg, libsndfile and soxr.

Arrays are float32 (T, C), full scale ±1, everywhere.
"""

from umtcli.media.ffmpeg import ffmpeg_version, find_ffmpeg
from umtcli.media.formats import find_format, supported_formats
from umtcli.media.loudness import LoudnessMeter
from umtcli.media.probe import Probe, probe
from umtcli.media.reader import AudioReader, Block, open_audio
from umtcli.media.resample import Resampler
from umtcli.media.truepeak import TruePeak
from umtcli.media.writer import AudioWriter, Bits

__all__ = [
    "AudioReader",
    "AudioWriter",
    "Bits",
    "Block",
    "LoudnessMeter",
    "Probe",
    "Resampler",
    "TruePeak",
    "ffmpeg_version",
    "find_ffmpeg",
    "find_format",
    "open_audio",
    "probe",
    "supported_formats",
]
