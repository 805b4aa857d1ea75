"""The state directory of a run: who has it, what an earlier run left in it, and giving it back as it was."""

import contextlib
import fcntl
import os
import stat

from tour import journal
from tour.story import Failed


class StateFolder:
    """Holds a lock for as long as this process lives, and the journal of what the run makes."""

    def __init__(self, path, patience, story):
        self.path, self._patience, self._story = path, patience, story
        self._journal_path, self._lock_path = path / "journal", path / "lock"
        self._lock = None
        self.journal = None

    def claim(self):
        """Failed when it is somebody else's. What a killed run left is undone first."""
        made = self._make_directories()
        if any(self.path.iterdir()):
            if not self._journal_path.exists() and not self._lock_path.exists():
                raise Failed(f"{self.path} holds something else", "give an empty or a new directory with --state DIR")
        self._lock = open(self._lock_path, "a", encoding="utf-8", opener=journal.private)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise Failed(
                f"another quickstart runs on {self.path}", "stop it first, or give this one --state DIR --ports auto"
            ) from taken
        kept = self._clear_leftovers()
        self.journal = journal.Journal(self._journal_path)
        for path in [*kept, *map(str, made)]:
            self.journal.record("directory", path=path)
        self._open_to_processes()

    def _make_directories(self):
        """Root undoes what a journal in here says: nobody else may have put one there, nor swap the directory. So each
        directory on the way is looked at, or made, when the one above it is known to be root's: from then on nobody
        else can put another in its place. Returns those that were made."""
        made = []
        for directory in [*reversed(self.path.parents), self.path]:
            try:
                seen = os.lstat(directory)
            except FileNotFoundError:
                with contextlib.suppress(FileExistsError):  # whose it is shows below
                    directory.mkdir(mode=0o755)
                    made.append(directory)
                seen = os.lstat(directory)
            others_write = seen.st_mode & 0o022
            sticky = directory != self.path and seen.st_mode & stat.S_ISVTX
            if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != 0 or (others_write and not sticky):
                raise Failed(
                    f"{directory} is not root's alone (uid {seen.st_uid}, mode {seen.st_mode & 0o7777:o})",
                    "give a --state DIR that only root can change, below /var/lib or /root for example",
                )
        return made

    def _clear_leftovers(self):
        """Returns the directories of that run that are still there: they are ours to remove now."""
        if not self._journal_path.exists():
            return []
        with self._story.step("leftovers") as step:
            entries = journal.read(self._journal_path)
            problems = journal.undo(entries, self._patience)
            if problems:
                raise Failed("what an earlier run left could not be removed", "", problems)
            self._journal_path.unlink()
            step.say("an earlier run was killed; what it left is gone")
        return [entry["path"] for entry in entries if self._holds_journal(entry)]

    def _open_to_processes(self):
        """The unprivileged processes must reach their folders in here."""
        for directory in (self.path, *self.path.parents):
            mode = directory.stat().st_mode & 0o7777
            if mode & 0o001:
                continue
            if directory != self.path:
                raise Failed(
                    f"unprivileged processes cannot pass {directory} (mode {mode:o})",
                    "choose a --state DIR below /tmp, /var/lib or /srv",
                )
            self.journal.record("mode", path=str(directory), mode=mode)
            directory.chmod(mode | 0o011)

    def _holds_journal(self, entry):
        return entry["kind"] == "directory" and (self.path.is_relative_to(entry["path"]))

    def give_back(self):
        """Undoes all that the journal tells; returns what could not be undone. The journal goes when it is done, its
        own folders after it."""
        if self.journal is None:
            return []
        self.journal.close()
        entries = journal.read(self._journal_path)
        problems = journal.undo([entry for entry in entries if not self._holds_journal(entry)], self._patience)
        if problems:
            return problems
        self._journal_path.unlink()
        self._lock_path.unlink()
        return journal.undo([entry for entry in entries if self._holds_journal(entry)], self._patience)
