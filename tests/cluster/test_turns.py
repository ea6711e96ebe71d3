import threading
import time

from aurorapt.cluster.turns import Turns

SOON = 5.0  # seconds, in which what must happen does
WHILE = 0.1  # seconds, in which what must not happen would


def test_a_turn_alone_waits_for_the_others_and_keeps_further_ones_waiting() -> None:
    turns = Turns()
    first_may_end, alone_may_end = threading.Event(), threading.Event()
    begun: list[str] = []

    def take(name: str, alone: bool, may_end: threading.Event | None) -> None:
        with turns.turn(alone):
            begun.append(name)
            if may_end is not None:
                assert may_end.wait(SOON)

    def start(name: str, alone: bool, may_end: threading.Event | None = None) -> threading.Thread:
        thread = threading.Thread(target=take, args=(name, alone, may_end))
        thread.start()
        time.sleep(WHILE)
        return thread

    threads = [start("first", False, first_may_end), start("beside", False)]
    assert begun == ["first", "beside"], "two ordinary turns go together"
    threads += [start("alone", True, alone_may_end), start("later", False)]
    assert begun == ["first", "beside"]
    first_may_end.set()
    time.sleep(WHILE)
    assert begun == ["first", "beside", "alone"]
    alone_may_end.set()
    for thread in threads:
        thread.join(SOON)
    assert begun == ["first", "beside", "alone", "later"]
