"""Running deploy/quickstart as a person would, and looking at the machine before and after."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from stowage_rig import SOURCE, living_orphans, wait_until


_MARK = f"stowage-quickstart-test-{os.getpid()}-"  # other tests run quickstarts at the same time


class QuickstartRun:
    """deploy/quickstart --state OWN --ports auto MORE… in the background; `before`: words in front of the command."""

    def __init__(self, *arguments, state=None, before=()):
        self._own = None if state else tempfile.mkdtemp(prefix=_MARK)
        if self._own:
            os.chmod(self._own, 0o755)
        self.state = state or pathlib.Path(self._own) / "state"
        self.arguments = ["--state", str(self.state), "--ports", "auto", *arguments]
        self.before = list(before)
        self.popen = None

    @staticmethod
    @contextlib.contextmanager
    def folder():
        with tempfile.TemporaryDirectory(prefix=_MARK) as name:
            os.chmod(name, 0o755)
            yield pathlib.Path(name)

    def __enter__(self):
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.popen = subprocess.Popen(
            [*self.before, str(SOURCE / "deploy" / "quickstart"), *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.interrupt(signal.SIGTERM)
        if self._own:
            shutil.rmtree(self._own)
        self._file.close()

    def output(self):
        size = os.fstat(self._file.fileno()).st_size
        return os.pread(self._file.fileno(), size, 0).decode(errors="replace")

    def wait(self, seconds):
        return self.popen.wait(seconds)

    def wait_for(self, text, seconds=240):
        def there():
            return text in self.output() or self.popen.poll() is not None

        wait_until(there, seconds, f"{text!r} in the output:\n{self.output()}")
        assert text in self.output(), self.output()

    def wait_connection(self, seconds=240):
        self.wait_for("Ctrl-C ends it", seconds)
        return json.loads((self.state / "connection.json").read_text(encoding="utf-8"))

    def interrupt(self, number=signal.SIGINT, seconds=120):
        """As Ctrl-C does: the signal to the whole foreground process group."""
        os.killpg(self.popen.pid, number)
        return self.popen.wait(seconds)


def machine_state():
    """What must be the same before and after: mounts, loop devices, processes, users. Only what belongs to quickstarts of
    this test: others work on this machine too."""
    mounts = sorted(line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if _MARK in line)
    loops = sorted(
        path.read_text() for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file") if _MARK in _read(path)
    )
    folders = sorted(path.name for path in pathlib.Path(tempfile.gettempdir()).glob(_MARK + "*"))
    users = pathlib.Path("/etc/passwd").read_text() + pathlib.Path("/etc/group").read_text()
    return {"mounts": mounts, "loops": loops, "processes": living_orphans(), "folders": folders, "users": users}


def _read(path):
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""
