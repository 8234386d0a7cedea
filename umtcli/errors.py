"""What can go wrong, as one tree.

    UmtError                  anything umt reports in one line
     ├── UsageError           the request itself is wrong (exit code 2)
     │    ├── UnknownDomain   no installed domain has this name
     │    └── OptionError     a --set option is unknown or out of range
     ├── MediaError           a file cannot be read or written as audio
     │    ├── DecodeError     the input is missing, broken or not audio
     │    └── EncodeError     the output cannot be written
     │         └── ReaderGone  the program that reads standard output has ended
     ├── OutputExists         the output is there already and --overwrite was not given
     ├── OutputBusy           another run is making the output right now
     ├── JobTimeout           an input took longer than --timeout
     ├── WorkerDied           the process that converted an input was killed, or crashed
     ├── BundleError          a safetensors bundle is broken or not ours
     │    └── SpaceMismatch   a decoder was trained on another encoder's latents
     ├── PluginError          a plugin failed to load or registers nonsense
     └── TrainingError        a training run cannot go on

Every message says what failed, on which path or name, and what to try. The command
line prints it as one line; a traceback appears only with --debug.
"""

from __future__ import annotations


class UmtError(Exception):
    """Anything umt reports in one line. Catch it to handle every failure of a conversion."""

    exit_code = 1


class UsageError(UmtError):
    """The request itself is wrong. Catch it to re-prompt a user; retrying cannot help."""

    exit_code = 2


class UnknownDomain(UsageError):
    """No installed domain has this name. Catch it to offer `suggestions`."""

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


class OptionError(UsageError):
    """A family option is unknown, of the wrong type or out of range."""


class MediaError(UmtError):
    """A file cannot be read or written as audio. Catch it to skip the file and go on."""


class DecodeError(MediaError):
    """The input is missing, empty, broken or holds no audio."""


class EncodeError(MediaError):
    """The output cannot be written: no permission, no space, or no encoder for the format."""


class ReaderGone(EncodeError):
    """The program that reads standard output has ended. Catch it to end without a word."""

    exit_code = 141


class OutputExists(UmtError):
    """The output is there already. Catch it to ask before overwriting."""


class OutputBusy(UmtError):
    """Another run is making the output right now. Catch it to come back later."""


class JobTimeout(UmtError):
    """An input took longer than it may. The others are not affected."""


class WorkerDied(UmtError):
    """The process that converted an input was killed, or crashed. The others are not affected."""


class BundleError(UmtError):
    """A safetensors bundle is damaged, of another version, or not an umt bundle."""


class SpaceMismatch(BundleError):
    """A decoder was trained on the latents of an encoder that is not installed."""


class PluginError(UmtError):
    """A plugin failed to import or registers something that breaks the contract."""


class TrainingError(UmtError):
    """A training run cannot start or go on. Its last good checkpoint is intact."""


_ADVICE = {
    "No space left on device": "Free some space, or write elsewhere.",
    "Disk quota exceeded": "Free some space, or write elsewhere.",
    "File too large": "Raise the limit on file sizes (ulimit -f), or write elsewhere.",
    "No such file or directory": "Make the folder first.",
    "Not a directory": "A part of its path is a file: write elsewhere.",
    "File exists": "A file is where the folder should be: write elsewhere.",
    "Permission denied": "Write to a folder of your own.",
    "File name too long": "Choose a shorter name.",
    "Broken pipe": "The program that reads it has ended.",
}


def cannot_write(target: object, error: OSError | str) -> str:
    """The message for an output that the system refuses: why, and what to try.

    >>> cannot_write("out.wav", OSError(28, "No space left on device"))
    'Cannot write out.wav: No space left on device. Free some space, or write elsewhere.'

    Args:
        target: the output, as the message names it.
        error: what the system said, or a program that quotes it.
    """
    reason = error if isinstance(error, str) else error.strerror or str(error)
    advice = (hint for said, hint in _ADVICE.items() if said in reason)
    return (
        f"Cannot write {target}: {reason}. {next(advice, 'Write elsewhere, or in another format.')}"
    )
