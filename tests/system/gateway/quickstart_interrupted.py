"""Whatever step deploy/quickstart is interrupted in, nothing stays; after kill -9 the next run starts afresh."""

import os
import signal
import unittest

from quickstart_run import QuickstartRun, machine_state
from stowage_rig import adopt_orphans, living_orphans, need_root, run_tests, wait_until
from tour.processes import Child, wait_for_any

# The last words before each step.
MOMENTS = (
    "stowage quickstart, state in",
    "  packages ",
    "  build ",
    "  place for the labs ",
    "  Run:ai stand-in ",
    "  gateway ",
    "  lab lab1 ",
    "  user alice ",
    "  dataset ",
    "  upload over FTPS ",
    "  read back over NFS ",
    "Ctrl-C ends it",
)


class QuickstartInterrupted(unittest.TestCase):
    def setUp(self):
        need_root()
        adopt_orphans()
        self.before = machine_state()

    def assert_nothing_stays(self, run):
        self.assertFalse(run.state.exists(), run.output())
        self.assertEqual(living_orphans(), [])

    def test_the_exit_code_of_whoever_ends_by_itself_is_known(self):
        for script, code in (("exit 7", 7), ("kill -9 $$", -9)):
            # It lives until somebody waits for it, so that its end is seen by select(2).
            child = Child("gateway", ["sh", "-c", f"sleep 0.2; {script}"])
            self.assertIs(wait_for_any([child], 30), child)
            self.assertEqual(child.popen.returncode, code)

    def test_ctrl_c_at_every_step(self):
        for moment in MOMENTS:
            with self.subTest(moment=moment):
                with QuickstartRun() as run:
                    run.wait_for(moment)
                    code = run.interrupt(signal.SIGINT)
                    self.assertEqual(code, 0 if moment == MOMENTS[-1] else 130, run.output())
                    self.assert_nothing_stays(run)
                self.assertEqual(machine_state(), self.before)

    def test_other_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number), QuickstartRun() as run:
                run.wait_for("  gateway ")
                self.assertEqual(run.interrupt(number), 130, run.output())
                self.assert_nothing_stays(run)
        self.assertEqual(machine_state(), self.before)

    def test_two_signals(self):
        """Impatience shortens the end; it does not spoil it."""
        with QuickstartRun() as run:
            run.wait_for("  user alice ")
            os.killpg(run.popen.pid, signal.SIGINT)
            run.wait_for("interrupted")
            self.assertIn(run.interrupt(signal.SIGINT), (130, 0), run.output())
            self.assert_nothing_stays(run)
        self.assertEqual(machine_state(), self.before)

    def test_kill_9_and_again(self):
        for moment in ("  place for the labs ", "  gateway ", "  lab lab1 ", "  dataset ", "Ctrl-C ends it"):
            with self.subTest(moment=moment), QuickstartRun.folder() as folder:
                state = folder / "state"
                with QuickstartRun(state=state) as run:
                    run.wait_for(moment)
                    os.kill(run.popen.pid, signal.SIGKILL)
                    run.wait(10)
                wait_until(lambda: not living_orphans(), 40, "the end of the killed run's processes")
                with QuickstartRun("--once", state=state) as run:
                    self.assertEqual(run.wait(240), 0, run.output())
                    self.assertIn("leftovers", run.output())
                    self.assertFalse(state.exists())
        self.assertEqual(machine_state(), self.before)

    def test_kill_9_and_another_state(self):
        """A run of another state directory is not disturbed by what a killed one left."""
        with QuickstartRun.folder() as folder:
            with QuickstartRun(state=folder / "killed") as run:
                run.wait_for("Ctrl-C ends it")
                os.kill(run.popen.pid, signal.SIGKILL)
                run.wait(10)
            with QuickstartRun("--once") as other:
                self.assertEqual(other.wait(240), 0, other.output())
            with QuickstartRun("--once", state=folder / "killed") as run:
                self.assertEqual(run.wait(240), 0, run.output())
        self.assertEqual(machine_state(), self.before)


if __name__ == "__main__":
    run_tests()
