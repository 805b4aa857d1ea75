"""Child processes that die with us and are known again by pid and start time."""

import ctypes
import os
import select
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def start_time(pid):
    """Clock ticks from boot to the start of a process; None when there is none. proc(5), stat field 22."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def end(pid, started, grace_seconds):
    """SIGTERM, and SIGKILL after the grace. Does nothing when the pid is another process by now."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        # The number is a thread's by now: ENOENT or EINVAL, as kernels go.
        if start_time(pid) == started:
            raise
        return
    try:
        if start_time(pid) != started:
            return
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if not _gone(pidfd, grace_seconds):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            _gone(pidfd, 10)
    except ProcessLookupError:
        pass
    finally:
        os.close(pidfd)


def _gone(pidfd, seconds):
    return bool(select.select([pidfd], [], [], seconds)[0])


class Child:
    """A process in a session of its own (a terminal's Ctrl-C does not reach it) that gets `last_signal` when this
    process dies, however it dies."""

    def __init__(self, name, command, *, journal=None, grace_seconds=10, last_signal=signal.SIGKILL, **popen):
        parent = os.getpid()

        def before_exec():
            for number in _ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            _libc.prctl(_PR_SET_PDEATHSIG, last_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(127)

        self.name = name
        self.grace_seconds = grace_seconds
        popen.setdefault("stdin", subprocess.DEVNULL)
        # A signal between fork and the journal's line would leave a child that nobody knows.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self.popen = subprocess.Popen(command, preexec_fn=before_exec, start_new_session=True, **popen)
            self.started = start_time(self.popen.pid)
            if journal:
                journal.record(
                    "process", name=name, pid=self.popen.pid, started=self.started, grace_seconds=grace_seconds
                )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def stop(self, patience=None):
        """Returns the exit code (negative: the signal)."""
        if self.alive():
            self.popen.terminate()
            grace = patience.seconds(self.grace_seconds) if patience else self.grace_seconds
            try:
                self.popen.wait(grace)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(10)
        return self.popen.returncode


def wait_for_any(children, seconds=None):
    """Sleeps until one of the children has ended (it is returned) or the time is over (None)."""
    pidfds = {}
    try:
        for child in children:
            if not child.alive():
                return child
            pidfds[os.pidfd_open(child.pid)] = child
        ready = select.select(list(pidfds), [], [], seconds)[0]
        if not ready:
            return None
        ended = pidfds[ready[0]]
        ended.popen.wait()  # it is over: this takes its exit code
        return ended
    finally:
        for pidfd in pidfds:
            os.close(pidfd)
