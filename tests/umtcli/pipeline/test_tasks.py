"""Work beside the thread that decides."""

import threading
import time

from umtcli.pipeline.tasks import Tasks


def test_what_a_thread_did_is_told_when_the_thread_has_ended():
    # at the interpreter's end, a thread that still lets go of tensors aborts the process
    class SlowToLetGo:
        def __del__(self) -> None:
            time.sleep(0.2)

    def work() -> str:
        own.held = SlowToLetGo()  # until its thread ends
        return "done"

    own, told = threading.local(), []
    tasks = Tasks(1, 1)
    thread = tasks.aside(
        work, then=lambda future: told.append((future.result(), thread.is_alive()))
    )
    assert tasks.take()
    assert told == [("done", False)]
    assert not tasks.take()
    tasks.close()
