"""One run of ffmpeg: its pipes, what it says on stderr, and its certain end."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from collections import deque
from typing import IO

from umtcli.errors import MediaError

_LINE = re.compile(r"(?:\[[^\]]* @ [^\]]*\] )*\[(?P<level>\w+)\] (?P<text>.*)")
_SEVERE = ("error", "fatal", "panic")

_SAYS_LITTLE = re.compile(
    r"Invalid data found when processing input|Invalid argument|Conversion failed"
    r"|Error (opening|parsing|reinitializing|submitting|sending|muxing|closing|while)"
    r"|Error writing trailer"
    r"|Failed to (set value|inject)|Task finished|Terminating thread|To ignore this"
    r"|Could not open encoder before EOF|Nothing was written|Decoding error"
    r"|Could not write header|Error initializing output|Failed to configure output pad"
    r"|decode_frame\(\) failed|av_interleaved_write_frame"
)
"""ffmpeg names the cause once and then its consequences, layer by layer."""

_DESCRIPTION = re.compile(r"Input #0|  Duration:|  Stream #0|Estimating duration")
"""Indents count: a tag of the name `Duration` is two columns further in."""

_GUESSED = re.compile(r"Format \S+ detected only with low score of 1,")
"""ffmpeg found nothing that it knows, and went by the file's name."""


class FfmpegProcess:
    """A running ffmpeg whose stderr is read as it comes.

    Call `close` in the end, whatever happened; it may be called twice.

    Raises:
        MediaError: the program cannot be started.
    """

    def __init__(self, command: list[str], *, feed: bool) -> None:
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - an argument list of our own
                command,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Ctrl-C is for umt, which then closes ffmpeg; else ffmpeg would end first
                # and its output would look like the end of the file
                start_new_session=True,
                # Python ignores SIGXFSZ and SIGPIPE: so shall ffmpeg, and report them as errors
                restore_signals=False,
            )
        except (OSError, ValueError) as e:
            raise MediaError(f"Cannot run {command[0]}: {e}. Install ffmpeg again.") from e
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        self.stdout: IO[bytes] = self._popen.stdout
        self.stdin: IO[bytes] | None = self._popen.stdin
        self.log = FfmpegLog(self._popen.stderr)

    def wait(self) -> int:
        """Wait for the end; return the exit status. Its stdout must have been read."""
        status = self._popen.wait()
        self.log.join()
        return status

    def kill(self) -> None:
        """End it now. Its pipes stay open until `close`."""
        self._popen.kill()

    def close(self, *, keep_stdin: bool = False) -> None:
        """End it if it still runs, reap it and close our ends of its pipes.

        Args:
            keep_stdin: leave that pipe to the thread that feeds it.
        """
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        self.log.join()
        self.stdout.close()
        if self.stdin is not None and not keep_stdin:
            with contextlib.suppress(BrokenPipeError):  # what was buffered has nowhere to go
                self.stdin.close()
        assert self._popen.stderr is not None
        self._popen.stderr.close()


class FfmpegLog:
    """What ffmpeg said on stderr: how it describes its input, and what went wrong.

    Memory stays flat however much a broken file makes it complain.
    """

    def __init__(self, stderr: IO[bytes]) -> None:
        self.head: list[str] = []
        """The lines that describe the input, without its tags."""
        self.guessed = False
        """Whether the format was told by the name alone; known once all was read."""
        self._described = threading.Event()
        self._errors: deque[str] = deque(maxlen=40)
        self._thread = threading.Thread(target=self._read, args=(stderr,), daemon=True)
        self._thread.start()

    def wait_for_description(self) -> None:
        """Return when `head` is complete."""
        self._described.wait()

    def join(self) -> None:
        """Wait until everything was read."""
        self._thread.join()

    def reason(self) -> str | None:
        """The line that tells most about what went wrong; None if nothing did."""
        errors = list(self._errors)
        telling = [line for line in errors if not _SAYS_LITTLE.match(line)]
        if telling:
            return telling[-1].rstrip(".")
        causes = [line.rpartition(": ")[2] for line in errors if ": " in line]
        if causes:
            return causes[0].rstrip(".")
        return errors[0].rstrip(".") if errors else None

    def _read(self, stderr: IO[bytes]) -> None:
        for raw in stderr:
            match = _LINE.match(raw.decode("utf-8", "replace").rstrip())
            if match is None:
                continue  # the second line of a tag
            if match["text"].startswith(("Output #", "Stream mapping:")):
                self._described.set()
            self.guessed = self.guessed or _GUESSED.match(match["text"]) is not None
            if match["level"] in _SEVERE:
                # "file:a name.mp3: No such file" names the file, which our message does, too
                self._errors.append(re.sub(r"^(file|pipe):.*: ", "", match["text"]))
            if not self._described.is_set() and _DESCRIPTION.match(match["text"]):
                self.head.append(match["text"])
        self._described.set()
