"""What the sanitizers find in a process that has no environment, another root, no rights and the worker's filter is
kept in the findings file, and the gate at the end of a run fails for it.

Fails when findings.cpp does not open the file before the root changes, when one of the runtimes is left out there, and
when options.cpp does not stop UBSan at its first finding.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PLANTED, FINDINGS, SANITIZERS = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3].split(",")
GATE = pathlib.Path(__file__).with_name("findings")
ENDS = {"address": 86, "undefined": 86, "thread": 0}  # races are told and the process goes on
WORDS = {
    "address": ["heap-use-after-free", "read_freed_memory"],
    "undefined": ["signed integer overflow", "overflow_a_number"],
    "thread": ["data race", "race()"],
}


class FindingsAreKept(unittest.TestCase):
    def gate(self, *words):
        return subprocess.run([GATE, *words, FINDINGS], capture_output=True, text=True, check=False)

    def test_of_a_narrowed_process(self):
        for fault in SANITIZERS:
            with self.subTest(fault), tempfile.TemporaryDirectory() as root:
                os.chmod(root, 0o755)
                self.assertEqual(self.gate("clear").returncode, 0)
                self.assertEqual(self.gate("show").returncode, 0)
                ended = subprocess.run([PLANTED, fault, root], env={}, stderr=subprocess.DEVNULL, check=False)
                self.assertEqual(ended.returncode, ENDS[fault])
                shown = self.gate("show")
                self.assertEqual(shown.returncode, 1, shown)
                for word in WORDS[fault]:
                    self.assertIn(word, shown.stdout)

    def test_a_program_without_faults_is_let_through(self):
        self.gate("clear")
        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o755)
            self.assertEqual(subprocess.run([PLANTED, "nothing", root], env={}, check=False).returncode, 0)
        self.assertEqual(self.gate("show").returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
