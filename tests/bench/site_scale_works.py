"""A small run of the bench of sites: nothing is written twice, and a plan's calls grow with pages, not with objects."""

import pathlib
import sys
import unittest

from stowage_rig import run_tests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from site_scale import measure, pages_at_most  # noqa: E402  pylint: disable=wrong-import-position


class SiteScale(unittest.TestCase):
    def test_calls_grow_with_pages(self):
        small, large = (measure(labs, users, "2.20.29") for labs, users in ((3, 20), (6, 60)))
        for results in (small, large):
            self.assertEqual(results["again"]["writes"], 0, results)
            self.assertEqual(results["plan"]["writes"], 0, results)
        self.assertEqual(small["plan"]["calls"], large["plan"]["calls"])
        self.assertEqual(small["again"]["calls"], large["again"]["calls"])
        self.assertLessEqual(large["plan"]["calls"], pages_at_most(6, 60))
        # Two pools, nine compute resources; of each lab department, project, data source; of each person four.
        self.assertGreaterEqual(large["apply"]["writes"], 2 + 9 + 3 * 6 + 4 * 60)


if __name__ == "__main__":
    run_tests()
