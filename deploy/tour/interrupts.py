"""Ctrl-C, SIGTERM and SIGHUP end the tour in order; during the cleaning up they only make it hurry."""

import contextlib
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Raised in the main thread wherever it is."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def _raise(number, _frame):
    hold()  # one is enough: the cleaning up must not be torn by the next
    raise Interrupted(number)


def install():
    for number in SIGNALS:
        signal.signal(number, _raise)


def hold():
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def hurry_with(patience):
    """From now on another signal only shortens the waits."""

    def shorten(_number, _frame):
        patience.hurry = True

    for number in SIGNALS:
        signal.signal(number, shorten)


@contextlib.contextmanager
def postponed():
    """What must not be torn: a signal that comes meanwhile counts right afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
