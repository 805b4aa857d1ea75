"""FileZilla's windows, clicked through: a directory is opened, and all that is in it downloaded, one thing renamed or
deleted, as a person does it with the keyboard. What FileZilla shows comes from the listing that it has read itself."""

import contextlib
import re
import time
from urllib.parse import quote

from filezilla import Program
from stowage_rig import wait_until

# The two lists of files and nothing else, so that a click into the right half meets the server's.
_PANES = ["message log", "queue", "Tree Local", "Tree Remote", "quickconnect bar"]
_SETTINGS = {f"Show {pane}": 0 for pane in _PANES} | {"Toolbar hidden": 1}
_EMPTY_PLACE = ("960", "700")  # below the server's names: there are a few, and 23 of them have room
_SILENCE_SECONDS = 3


class FileZillaWindows(Program):
    """`with FileZillaWindows(…) as windows:` shows the directory `remote` of the server beside `local`."""

    def __init__(self, home, host, remote, local):
        super().__init__(home, _SETTINGS)
        self._remote = f"/{remote}"
        url = f"ftpes://{host.user}:{quote(host.password)}@127.0.0.1:{host.ports.ftps}{quote(self._remote)}"
        self._arguments = [url, f"--local={local}"]

    def __enter__(self):
        try:
            self.start(*self._arguments)
            wait_until(self._is_listed, 60, f"FileZilla's listing of {self._remote}")
        except BaseException:
            self.leave()
            raise
        return self

    def __exit__(self, *_):
        self.leave()

    def download_all(self):
        def ask(pause):
            self._focus_server()
            self.xdotool("key", "ctrl+a")
            self._choose("d", pause)

        self._insist(ask, lambda: "Status: Starting download" in self.log(), "FileZilla's downloads")
        wait_until(self._is_done, 120, "the end of FileZilla's downloads")
        assert self.failures() == 0, self.log()

    def rename(self, old, new):
        """Both without a directory; `old` is the only name there that begins with its first word."""

        def ask(pause):
            self._focus_server(old)
            self._choose("r", pause)
            self.xdotool("key", "ctrl+a")
            self.xdotool("type", "--delay", "50", new)
            self.xdotool("key", "Return")

        self._insist(ask, lambda: self._is_answered(f"RNTO {new}"), "FileZilla's rename")

    def delete(self, folder):
        def ask(pause):
            self._focus_server(folder)
            time.sleep(pause)
            self.xdotool("key", "Delete")

        self._insist(ask, lambda: self.dismiss("^Confirm", "Return"), "FileZilla's question")
        wait_until(lambda: self._is_answered(f"RMD {folder}"), 60, "FileZilla's deletion")

    def _is_listed(self):
        self.accept_certificate()
        return f'Directory listing of "{self._remote}" successful' in self.log()

    def _focus_server(self, name=None):
        self.xdotool("windowfocus", self.main_window)
        self.xdotool("mousemove", *_EMPTY_PLACE, "click", "1")
        if name:
            self.xdotool("type", "--delay", "50", name.split()[0])

    def _choose(self, letter, pause):
        self.xdotool("key", "Menu")
        time.sleep(pause)  # menus, and the field that opens, are no windows with a name
        self.xdotool("key", letter)
        time.sleep(pause)

    def _insist(self, ask, happened, what):
        """On a busy machine keys come before what they are meant for: again, and slower."""
        for pause in (0.5, 1, 2, 4):
            ask(pause)
            done = False
            with contextlib.suppress(AssertionError):
                done = wait_until(happened, 20, what)
            self.xdotool("key", "Escape")  # a menu that is still open holds everything up
            if done:
                return
        raise AssertionError(f"{what} did not come true:\n{self.log()[-2000:]}")

    def _is_answered(self, command):
        return re.search(re.escape(f"Command: {command}\n") + ".* Response: 250 ", self.log())

    def _is_done(self):
        """It says nowhere that its queue is empty: all that it began is through, and it begins nothing more."""
        log = self.log()
        begun = log.count("Status: Starting download")
        if not begun or self.successes() + self.failures() < begun:
            return False
        time.sleep(_SILENCE_SECONDS)
        return self.log() == log
