"""FileZilla as a person uses it: the real program under Xvfb, with a transfer queue of the test's own, "Process queue"
by Ctrl+P, and OK for the question about an unknown certificate. Its settings are its defaults, but for a log file and
"Preserve timestamps of transferred files". filezilla_windows.py clicks through its windows instead."""

import contextlib
import os
import pathlib
import sqlite3
import subprocess

from stowage_rig import wait_until
from tour.processes import Child

NEEDED = ("filezilla", "Xvfb", "xdotool")
EXPLICIT, IMPLICIT = 4, 3  # ServerProtocol: FTPES, FTPS
ASK, RESUME = -1, 5  # CFileExistsNotification::OverwriteAction; -1 is the setting, which is to ask
_NORMAL_LOGON, _NORMAL_PRIORITY = 1, 2
_UPLOAD, _DOWNLOAD = 0, 16  # transfer_flags, as 3.63 writes them

_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 platform="*nix"><Settings>
<Setting name="Greeting version">3.63.0</Setting>
<Setting name="Highest shown overlay id">99</Setting>
<Setting name="Update Check">0</Setting>
<Setting name="Preserve timestamps">1</Setting>
<Setting name="Logging file" platform="unix">{log}</Setting>
{more}</Settings></FileZilla3>
"""
# What FileZilla 3.63 makes itself (PRAGMA user_version 7).
_QUEUE = """
CREATE TABLE servers (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, host TEXT NOT NULL, port INTEGER, user TEXT,
  password TEXT, account TEXT, keyfile TEXT, protocol INTEGER, type INTEGER, logontype INTEGER, timezone_offset INTEGER,
  transfer_mode TEXT, max_connections INTEGER, encoding TEXT, bypass_proxy INTEGER, post_login_commands TEXT, name TEXT,
  parameters TEXT, site_path TEXT DEFAULT NULL);
CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, server INTEGER NOT NULL, source_file TEXT,
  target_file TEXT, local_path INTEGER, remote_path INTEGER, size INTEGER, error_count INTEGER, priority INTEGER,
  flags INTEGER, default_exists_action INTEGER, extra_flags TEXT);
CREATE TABLE local_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
CREATE TABLE remote_paths (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, path TEXT NOT NULL);
CREATE INDEX server_index ON files (server);
PRAGMA user_version = 7;
"""


def _remote_path(path):
    """CServerPath::GetSafePath: type (1, Unix), prefix length (0), then length and name of each segment."""
    return " ".join(["1 0", *(f"{len(part)} {part}" for part in path.strip("/").split("/") if part)])


class Program:
    """FileZilla with a home directory and a display of its own, until leave()."""

    def __init__(self, home, settings=None):
        """settings: names and values beside the defaults."""
        self.home = pathlib.Path(home)
        self.log_path = self.home / "log"
        self.config = self.home / ".config" / "filezilla"
        self.config.mkdir(parents=True, mode=0o700)
        more = "".join(f'<Setting name="{name}">{value}</Setting>\n' for name, value in (settings or {}).items())
        (self.config / "filezilla.xml").write_text(_SETTINGS.format(log=self.log_path, more=more), encoding="utf-8")
        self._ends = contextlib.ExitStack()

    def start(self, *arguments):
        display = self._start_display()
        self._environment = {"HOME": str(self.home), "DISPLAY": display, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        client = Child("filezilla", ["filezilla", *arguments], env=self._environment, **_QUIET)
        self._ends.callback(client.stop)
        self.main_window = wait_until(lambda: self.window("FileZilla$"), 60, "FileZilla's window")

    def leave(self):
        self._ends.close()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def successes(self):
        return self.log().count("Status: File transfer successful")

    def failures(self):
        return self.log().count("Error: File transfer failed") + self.log().count("Error: Critical")

    def xdotool(self, *words):
        return subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=20, check=False
        ).stdout.split()

    def window(self, title):
        found = self.xdotool("search", "--onlyvisible", "--name", title)
        return found[0] if found else None

    def dismiss(self, title, key):
        """True if there was a window of that title, which has got the key."""
        dialog = self.window(title)
        if dialog:
            self.xdotool("windowfocus", dialog)
            self.xdotool("key", key)
        return bool(dialog)

    def accept_certificate(self):
        self.dismiss("^Unknown certificate$", "Return")

    def _start_display(self):
        """-noreset: when its last client leaves, and that is xdotool looking for the window, Xvfb would begin anew and
        hang up on whoever is just coming, FileZilla (of a hundred connections made meanwhile forty-five were torn)."""
        reader, writer = os.pipe()
        server = Child(
            "Xvfb",
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[writer],
            **_QUIET,
        )
        self._ends.callback(server.stop)
        os.close(writer)
        with open(reader, encoding="ascii") as numbers:  # written when it is ready
            return ":" + numbers.readline().strip()


class FileZilla(Program):
    """One queue, processed once. `home` is its home directory, made here."""

    def __init__(self, home):
        super().__init__(home)
        self._queue = sqlite3.connect(self.config / "queue.sqlite3")
        self._queue.executescript(_QUEUE)
        self._count = 0

    def add_server(self, port, user, password, protocol=EXPLICIT):
        """Returns its number for add_upload() and add_download()."""
        row = self._queue.execute(
            "INSERT INTO servers (host, port, user, password, protocol, type, logontype, timezone_offset, transfer_mode,"
            " max_connections, encoding, bypass_proxy) VALUES ('127.0.0.1', ?, ?, ?, ?, 0, ?, 0, 'default', 0, 'Auto', 0)",
            (port, user, password, protocol, _NORMAL_LOGON),
        )
        return row.lastrowid

    def add_upload(self, server, local, remote, exists=ASK):
        """Queues one file: path here, path there."""
        names = local.name, remote.rpartition("/")[2]
        self._add(server, local, remote, names, local.stat().st_size, _UPLOAD, exists)

    def add_download(self, server, remote, local, exists=ASK):
        self._add(server, local, remote, (remote.rpartition("/")[2], local.name), -1, _DOWNLOAD, exists)

    def _add(self, server, local, remote, names, size, flags, exists):
        source, target = names
        here = self._queue.execute("INSERT INTO local_paths (path) VALUES (?)", (f"{local.parent}/",)).lastrowid
        folder = _remote_path(remote.rpartition("/")[0])
        there = self._queue.execute("INSERT INTO remote_paths (path) VALUES (?)", (folder,)).lastrowid
        self._queue.execute(
            "INSERT INTO files (server, source_file, target_file, local_path, remote_path, size, error_count, priority,"
            " flags, default_exists_action) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (server, source, target if target != source else None, here, there, size, _NORMAL_PRIORITY, flags, exists),
        )
        self._count += 1

    def process(self, seconds=90):
        """Runs FileZilla until every file is through or has failed; returns its log."""
        self._queue.commit()
        self._queue.close()
        try:
            self.start()
            self._press("ctrl+p", lambda: "Connecting to" in self.log())
            wait_until(self._is_through, seconds, "the end of FileZilla's queue")
        finally:
            self.leave()
        return self.log()

    def _press(self, key, happened):
        """A key right after the window has come may be lost: again until it has worked."""

        def press():
            self.dismiss("^Welcome to FileZilla$", "Escape")  # another version than 3.63 greets
            self.xdotool("windowfocus", self.main_window)
            self.xdotool("key", key)
            with contextlib.suppress(AssertionError):
                return wait_until(happened, 2)
            return False

        wait_until(press, 30, f"FileZilla's answer to {key}")

    def _is_through(self):
        self.accept_certificate()
        return self.successes() + self.failures() >= self._count


_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
