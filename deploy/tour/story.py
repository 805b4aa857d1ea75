"""What the person at the terminal sees: one line per step with its time, notes below it, a box in the end."""

import contextlib
import os
import sys
import time

_NAME_COLUMNS = 20
_BOX_COLUMNS = 100


class Failed(Exception):
    """A step that did not work out: what, and what to do. `details` are lines of some log."""

    def __init__(self, what, remedy="", details=()):
        super().__init__(what)
        self.what, self.remedy, self.details = what, remedy, list(details)


class Command(str):
    """For a shell: where it does not fit into a line it goes on behind a backslash. No space in single quotes."""


def _parts(value, columns):
    """Lines of at most so many columns; a single word may be longer."""
    end = " \\" if isinstance(value, Command) else ""
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) + len(end) > columns:
            lines[-1] += end
            lines.append(word)
        else:
            lines[-1] += (" " if lines[-1] else "") + word
    return lines


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
    def step(self, name, before=0):
        """`with story.step("gateway") as step:` prints name, time and what step.say() was told. `before`: seconds that
        were spent on it already."""
        step = _Step(self, name, before)
        self._progress(f"  {name:<{_NAME_COLUMNS}} ...")
        try:
            yield step
        except BaseException as problem:
            word = "FAILED" if isinstance(problem, Exception) else "interrupted"
            self._finish(step, word)
            raise
        self._finish(step, step.summary or "done")

    def box(self, title, rows):
        """rows: (name, value) pairs; a name of None is a rule. No sides: what is copied from it has nothing before or
        behind it."""
        rule = "─" if self._fancy else "-"
        names = max(len(name) for name, _ in rows if name)
        self.line(f"{rule * 2} {title} ".ljust(_BOX_COLUMNS, rule))
        for name, value in rows:
            if name is None:
                self.line(rule * _BOX_COLUMNS)
                continue
            for part in _parts(value, _BOX_COLUMNS - names - 3):
                self.line(f" {name:<{names}}  {part}")
                name = ""
        self.line(rule * _BOX_COLUMNS)

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
    def __init__(self, story, name, before=0):
        self.name, self.summary, self.notes = name, "", []
        self._story, self._start = story, time.monotonic() - before

    def seconds(self):
        return time.monotonic() - self._start

    def say(self, summary):
        self.summary = summary

    def note(self, text):
        self.notes.append(text)

    def progress(self, text):
        self._story._progress(f"  {self.name:<{_NAME_COLUMNS}} ... {text}")
