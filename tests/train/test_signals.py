import signal
import threading

import pytest

from groundup.train import signals
from groundup.train.signals import graceful_interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_the_handlers_come_back(number, monkeypatch):
    monkeypatch.setattr(signals.console, "quiet", False)
    found = signal.signal(number, signal.default_int_handler)  # SIGHUP is ignored under nohup
    try:
        with graceful_interruption() as interruption:
            assert not interruption.requested
            signal.raise_signal(number)
            assert interruption.requested
            assert signals.console.quiet == (number == signal.SIGHUP), "its terminal is gone"
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, found)


def test_nohup_is_obeyed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with graceful_interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_stops_at_once():
    before = signal.getsignal(signal.SIGINT)
    with graceful_interruption() as interruption:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_signals_are_left_alone():
    seen = []

    def work():
        with graceful_interruption() as interruption:
            seen.append((signal.getsignal(signal.SIGINT), interruption.requested))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
