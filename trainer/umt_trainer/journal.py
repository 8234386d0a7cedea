"""How a run is told: bars on a terminal, a log file, JSON lines, TensorBoard's curves."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from umtcli import console
from umtcli.errors import TrainingError, cannot_write

NO_TENSORBOARD = "TensorBoard is not installed: `pip install umtcli[train]` brings its curves."


class Journal:
    """Tells how a run goes; a context manager. A silent one tells nothing at all.

    Args:
        folder: of the run. The log goes to `log.txt` in it, curves to `tensorboard/`.
        num_steps: of the whole run.
        batch_size: examples in a step.
        every_steps: how often a line is logged.
        json: one object a line on stdout for what is logged.
        quiet: nothing on stderr but what went wrong.
        silent: what every process but the first is.
    """

    def __init__(
        self,
        folder: Path,
        num_steps: int,
        batch_size: int,
        every_steps: int,
        *,
        json: bool,
        quiet: bool,
        silent: bool,
    ) -> None:
        self._folder = folder
        self._num_steps = num_steps
        self._batch_size = batch_size
        self._every_steps = every_steps
        self._json = json
        self._quiet = quiet
        self._silent = silent
        self._curves: Any = None
        self._since: tuple[int, float] | None = None
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[shown]}", markup=False),
            console=console.stderr_console(),
            transient=True,
            disable=quiet or silent or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("training", total=num_steps, shown="")

    def __enter__(self) -> Journal:
        if not self._silent:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as e:
                raise TrainingError(cannot_write(f"to {self._folder}", e)) from e
            self._curves = self._open_curves()
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if self._curves is not None:
            self._curves.close()

    def __call__(self, step: int, losses: Mapping[str, float]) -> None:
        """Take note of a step; a `umt_trainer.loop.Report`."""
        if self._silent:
            return
        done = step + 1
        self._since = self._since or (step, time.monotonic())
        shown = {name.removeprefix("_"): value for name, value in losses.items()}
        self._bar.update(self._task, completed=done, shown=_text(shown))
        if done % self._every_steps == 0 or done == self._num_steps:
            since_step, since_s = self._since
            speed = (done - since_step) * self._batch_size / max(1e-9, time.monotonic() - since_s)
            self._since = done, time.monotonic()
            self._write("step", done, {**shown, "examples_per_s": speed})

    def validated(self, done: int, mean: float, losses: Mapping[str, float]) -> None:
        """Take note of what held-out music costs."""
        if not self._silent:
            domains = {f"validation/{name}": value for name, value in losses.items()}
            self._write("validation", done, {"validation": mean, **domains})
            self._since = None  # the time that this took is not the training's

    def tell(self, message: str) -> None:
        """Log a message, and say it."""
        if not self._silent:
            self._log(message)
            if not self._quiet:
                console.say(message)

    def play(self, name: str, done: int, wav_T: torch.Tensor, sample_rate: int) -> None:
        """Let a preview be heard in TensorBoard."""
        if self._curves is not None:
            self._curves.add_audio(name, wav_T[None], done, sample_rate)

    def _write(self, event: str, done: int, values: Mapping[str, float]) -> None:
        self._log(f"{event} {done} of {self._num_steps}: {_text(values)}")
        if self._json:
            # JSON has no NaN
            finite = {name: v if math.isfinite(v) else None for name, v in values.items()}
            console.print_json({"event": event, "step": done, **finite})
        if self._curves is not None:
            for name, value in values.items():
                self._curves.add_scalar(name, value, done)

    def _log(self, text: str) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        path = self._folder / "log.txt"
        try:
            with path.open("a", encoding="utf-8") as f:
                f.write(f"{now} {text}\n")
        except OSError as e:
            raise TrainingError(
                f"Cannot write {path}: {e.strerror}. The last checkpoint is intact; make room, "
                "then run the same command again."
            ) from e

    def _open_curves(self) -> Any:
        """TensorBoard's writer, or None where there can be none: a run goes on without."""
        try:
            from torch.utils.tensorboard import SummaryWriter

            return SummaryWriter(str(self._folder / "tensorboard"))
        except ImportError:
            self.tell(NO_TENSORBOARD)
        except OSError as e:
            self.tell(f"No TensorBoard: {self._folder / 'tensorboard'}: {e.strerror}.")
        return None


def _text(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())
