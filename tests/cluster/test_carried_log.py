import contextvars
import logging
import threading
from dataclasses import replace

import pytest

from aurorapt.cluster.carried_log import carried

log = logging.getLogger("aurorapt.somewhere")


def test_lines_of_this_thread_and_of_those_with_its_context_are_carried() -> None:
    with carried() as lines:
        log.info("own %d", 1)
        stranger = threading.Thread(target=log.warning, args=("a stranger's",))
        helper = threading.Thread(target=contextvars.copy_context().run, args=(log.error, "a helper's"))
        for thread in (stranger, helper):
            thread.start()
            thread.join()
    log.info("later")
    assert [(line.level, line.message) for line in lines] == [(logging.INFO, "own 1"), (logging.ERROR, "a helper's")]


def test_a_line_is_logged_again_in_another_process_only(caplog: pytest.LogCaptureFixture) -> None:
    with carried() as lines:
        try:
            raise ValueError("the cause")
        except ValueError:
            log.exception("an error")
    caplog.clear()
    lines[0].log()
    assert not caplog.records, "it is there already"
    replace(lines[0], process=0).log()
    (record,) = caplog.records
    assert (record.name, record.levelname, record.created) == ("aurorapt.somewhere", "ERROR", lines[0].created)
    assert "ValueError: the cause" in logging.Formatter().format(record)
