"""Work beside the thread that decides."""

import threading
import time

import torch

from umtcli.pipeline.tasks import Tasks


def test_what_a_thread_did_is_told_when_the_thread_has_ended():
    # at the interpreter's end, a thread that still lets go of tensors aborts the process
    class SlowToLetGo:
        def __del__(self) -> None:
            time.sleep(0.2)

    def work() -> threading.Thread:
        own.held = SlowToLetGo()  # until its thread ends
        return threading.current_thread()

    own, alive = threading.local(), []
    tasks = Tasks(1, 1)
    tasks.aside(work, then=lambda future: alive.append(future.result().is_alive()))
    assert tasks.take()
    assert alive == [False]
    assert not tasks.take()
    tasks.close(0.0)


def test_the_end_waits_for_what_ends_soon_and_not_for_what_never_does():
    never, ended = threading.Event(), []

    def soon() -> None:
        time.sleep(0.2)
        ended.append(True)

    tasks = Tasks(1, 1)
    for work in (soon, never.wait):
        tasks.aside(work, then=lambda _: None)
    tasks.close(1.0)
    assert ended == [True]
    never.set()


def test_networks_keep_their_cores_whatever_other_threads_are_given():
    # a thread's first question to torch sets it to what any thread set last
    tasks, counted = Tasks(8, 2), []
    tasks.compute(int, then=lambda future: None)
    assert tasks.take()
    tasks.aside(int, then=lambda future: None)
    assert tasks.take()
    tasks.compute(torch.get_num_threads, then=lambda future: counted.append(future.result()))
    assert tasks.take()
    tasks.close(0.0)
    assert counted == [4]
