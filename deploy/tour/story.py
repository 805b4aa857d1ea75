"""What the person at the terminal sees: one line per step with its time, notes below it, a box in the end."""

import contextlib
import os
import sys
import time

_NAME_COLUMNS = 20


class Failed(Exception):
    """A step that did not work out: what, and what to do. `details` are lines of some log."""

    def __init__(self, what, remedy="", details=()):
        super().__init__(what)
        self.what, self.remedy, self.details = what, remedy, list(details)


class Story:
    """Rewrites its running line on a terminal; in a pipe each step is one plain line when it is over."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self._live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._fancy = (out.encoding or "").lower().startswith("utf")
        self._shown = False

    def line(self, text=""):
        """A terminal that has gone must not stop the cleaning up."""
        with contextlib.suppress(OSError):
            self._clear()
            self._out.write(text + "\n")
            self._out.flush()

    @contextlib.contextmanager
    def step(self, name):
        """`with story.step("gateway") as step:` prints name, time and what step.say() was told."""
        step = _Step(self, name)
        self._progress(f"  {name:<{_NAME_COLUMNS}} ...")
        try:
            yield step
        except BaseException as problem:
            word = "FAILED" if isinstance(problem, Exception) else "interrupted"
            self._finish(step, word)
            raise
        self._finish(step, step.summary or "done")

    def box(self, title, rows):
        """rows: (name, value) pairs; a name of None is a rule."""
        top, side, corners = ("─", "│", "┌┐└┘├┤") if self._fancy else ("-", "|", "++++++")
        names = max(len(name) for name, _ in rows if name)
        lines = [None if name is None else f" {name:<{names}}  {value} " for name, value in rows]
        width = max([len(line) for line in lines if line] + [len(title) + 4])
        self.line(corners[0] + f"{top} {title} ".ljust(width, top) + corners[1])
        for line in lines:
            if line is None:
                self.line(corners[4] + top * width + corners[5])
            else:
                self.line(side + line.ljust(width) + side)
        self.line(corners[2] + top * width + corners[3])

    def failure(self, problem):
        self.line()
        self.line(f"failed: {problem.what}")
        if problem.remedy:
            self.line(f"remedy: {problem.remedy}")
        for detail in problem.details:
            self.line(f"    {detail}")

    def _progress(self, text):
        if self._live:
            with contextlib.suppress(OSError):
                self._clear()
                self._out.write(text[: os.get_terminal_size(self._out.fileno()).columns - 1])
                self._out.flush()
                self._shown = True

    def _clear(self):
        if self._shown:
            self._out.write("\r\x1b[K")
            self._shown = False

    def _finish(self, step, summary):
        self.line(f"  {step.name:<{_NAME_COLUMNS}} {step.seconds():7.1f} s  {summary}")
        for note in step.notes:
            self.line(f"  {'':<{_NAME_COLUMNS}} {'':7}    {note}")


class _Step:
    def __init__(self, story, name):
        self.name, self.summary, self.notes = name, "", []
        self._story, self._start = story, time.monotonic()

    def seconds(self):
        return time.monotonic() - self._start

    def say(self, summary):
        self.summary = summary

    def note(self, text):
        self.notes.append(text)

    def progress(self, text):
        self._story._progress(f"  {self.name:<{_NAME_COLUMNS}} ... {text}")
