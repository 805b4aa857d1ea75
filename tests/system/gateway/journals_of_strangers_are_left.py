"""Root undoes what journals say, so it believes those only that nobody but root can have written."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import threading
import time
import unittest

from stowage_rig import Failed, need_root, run_tests, sweep_after_the_killed
from tour import processes
from tour.journal import Patience
from tour.state_folder import StateFolder

STRANGER = 65534


class Silent:
    """A story that nobody reads."""

    @contextlib.contextmanager
    def step(self, _):
        yield self

    def say(self, *_):
        pass


@contextlib.contextmanager
def as_stranger():
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)


class JournalsOfStrangers(unittest.TestCase):
    def setUp(self):
        self.public = pathlib.Path(tempfile.mkdtemp(prefix="stowage-public-"))
        self.addCleanup(shutil.rmtree, self.public, True)
        self.public.chmod(0o1777)
        secret = pathlib.Path(tempfile.mkdtemp(prefix="stowage-root-"))
        self.addCleanup(shutil.rmtree, secret, True)
        self.victim = secret / "victim"
        self.victim.mkdir()

    def plant(self, folder):
        """A journal that has root remove the victim, in the stranger's own folder."""
        with as_stranger():
            folder.mkdir()
            entries = [{"kind": "owner", "pid": 999999, "started": 1}, {"kind": "tree", "path": str(self.victim)}]
            (folder / "journal").write_text("".join(json.dumps(entry) + "\n" for entry in entries))

    # Taken out (directories are looked at before they are made): the victim is gone, within a second as a rule.
    def test_put_in_the_place_of_a_state_directory_while_it_is_claimed(self):
        """quickstart --state /tmp/try, and somebody who waits for that name with a folder of their own."""
        state, away = self.public / "try", self.public / "away"
        self.plant(away)
        swapper = os.fork()
        if swapper == 0:
            os.setuid(STRANGER)
            while True:
                for one, other in ((away, state), (state, away)):
                    with contextlib.suppress(OSError):
                        os.rename(one, other)
        try:
            end = time.monotonic() + 5
            while self.victim.exists() and time.monotonic() < end:
                folder = StateFolder(state, Patience(), Silent())
                with contextlib.suppress(Failed, OSError):
                    folder.claim()
                    folder.give_back()
        finally:
            os.kill(swapper, 9)
            os.waitpid(swapper, 0)
        self.assertTrue(self.victim.exists(), "root undid a stranger's journal")

    # Taken out (the look at the owner): this fails.
    def test_in_a_test_s_folder(self):
        before = tempfile.tempdir
        tempfile.tempdir = str(self.public)
        try:
            self.plant(self.public / "stowage-test-planted")
            sweep_after_the_killed()
        finally:
            tempfile.tempdir = before
        self.assertTrue(self.victim.exists(), "root undid a stranger's journal")

    # Taken out (only ProcessLookupError is caught): this fails.
    def test_name_a_process_whose_number_a_thread_has_now(self):
        stop, ready, number = threading.Event(), threading.Event(), []

        def live():
            number.append(threading.get_native_id())
            ready.set()
            stop.wait()

        thread = threading.Thread(target=live)
        thread.start()
        ready.wait()
        try:
            processes.end(number[0], 1, 0)
        finally:
            stop.set()
            thread.join()


if __name__ == "__main__":
    need_root()
    run_tests()
