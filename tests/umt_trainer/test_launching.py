"""What a launcher says of processes that ended badly."""

import signal

import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from umt_trainer import launching
from umtcli.errors import TrainingError


@pytest.mark.parametrize("culprit", [0, 1])
def test_a_process_that_was_stopped_with_the_others_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch, culprit: int
) -> None:
    signals = [signal.SIGTERM, signal.SIGTERM]
    signals[culprit] = signal.SIGKILL
    # known within the same second, as they often are
    failures = {rank: ProcessFailure(rank, 1, -signals[rank], "") for rank in (0, 1)}

    def fail(given: object) -> None:
        del given
        raise ChildFailedError("umt_trainer", failures)

    monkeypatch.setattr(launching, "run", fail)
    with pytest.raises(TrainingError, match=f"Process {culprit} was killed by SIGKILL"):
        launching.launch([], nproc=2, nnodes=1, rdzv="", max_restarts=0)
