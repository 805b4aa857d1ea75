"""Three fixed pieces of work stay within their budgets of instructions, as callgrind counts them: parse a command,
format 1,000 MLSD lines, plan 200 labs. The count does not depend on the machine's speed or load; more than 5 % over is
a regression. After a change that is worth its cost, or one that saves: `instruction_budgets.py --write` with the
variables that CTest sets.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from stowage_rig import run_tests, skip

HERE = pathlib.Path(__file__).resolve().parent
BUDGETS = HERE / "budgets.json"
EXECUTABLE = pathlib.Path(os.environ["STOWAGE_BIN"]).parent / "tests" / "instruction_budgets"
TOLERANCE = 1.05
# The C library chooses string functions by the processor; these every x86-64 has. No lazy binding, no random seeds.
SAME_EVERYWHERE = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSE4_2,-SSSE3,-RTM",
    "LD_BIND_NOW": "1",
    "LC_ALL": "C.UTF-8",
}


def instructions(what):
    with tempfile.TemporaryDirectory() as folder:
        counts = pathlib.Path(folder, "counts")
        subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={counts}",
                "--collect-atstart=no",
                f"--toggle-collect=budget_{what}",
                str(EXECUTABLE),
                what,
            ],
            env={"PATH": os.environ["PATH"], **SAME_EVERYWHERE},
            check=True,
            capture_output=True,
        )
        return int(re.search(r"^(?:summary|totals): (\d+)", counts.read_text(encoding="utf-8"), re.MULTILINE)[1])


class InstructionBudgets(unittest.TestCase):
    def test_none_is_exceeded(self):
        for what, budget in json.loads(BUDGETS.read_text(encoding="utf-8")).items():
            with self.subTest(what):
                counted = instructions(what)
                print(f"{what}: {counted} of {budget} instructions, {counted / budget - 1:+.1%}")
                self.assertLessEqual(counted, budget * TOLERANCE, f"{what} costs more than 5 % over its budget")


if __name__ == "__main__":
    if not shutil.which("valgrind"):
        skip("no valgrind")
    if "--write" in sys.argv:
        counts = {name: instructions(name) for name in ("parse", "mlsd", "plan")}
        BUDGETS.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
        sys.exit(print(counts))
    run_tests()
