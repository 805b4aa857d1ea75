"""The whole story of site_is_applied_once with Prism between gateway and stand-in: nothing that plan, apply, user add,
prune and doctor ask, and nothing that the stand-in answers, breaks Run:ai's official OpenAPI files, 2.20 and 2.24."""

import pathlib
import sys
import unittest

from prism import Prism, executable
from site_story import VERSIONS, SiteRig
from stowage_rig import run_tests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "gateway"))
import site_is_applied_once as story  # noqa: E402  pylint: disable=wrong-import-position

OPERATIONS = {  # of Run:ai's API, that the story would be no proof without
    "grant_token", "get_clusters", "getTenantSettingsByKey", "get_nodepools", "create_nodepool",
    "get_departments", "create_department", "update_department", "get_projects", "get_project", "create_project",
    "get_roles", "get_access_rules", "create_access_rule", "delete_access_rule",
    "get_users", "create_user", "delete_user_by_id", "list_compute_assets", "create_compute_asset",
    "list_nfs_assets", "get_nfs_asset_by_id", "create_nfs_asset", "delete_nfs_asset_by_id", "update_nfs_asset_by_id",
}  # fmt: skip


class PrismRig(SiteRig):
    def _prepare(self):
        super()._prepare()
        self.prism = Prism(executable(), ".".join(self.version.split(".")[:2]), self.stand_in.url, self.folder)
        self.gateway.settings["runai.url"] = self.prism.url

    def _leave(self, failed):
        if hasattr(self, "prism"):
            self.prism.stop()
        super()._leave(failed)


class SitePassesPrism(story.SiteIsAppliedOnce):
    rig_class = PrismRig

    def test_9b_data_sources_are_changed_in_either_scope(self):
        """lab3's is a project's since the step before, the others are their departments'."""
        self.rig.gateway.stop()
        self.rig.gateway.settings["runai.container_path"] = "/mnt/elsewhere"
        self.rig.gateway.start()
        change = "  - name: lab3\n    data_source: {scope: project, project: lab3-debug}\n"

        def elsewhere(text):
            text = text.replace("container_path: /mnt/nfs ", "container_path: /mnt/elsewhere ")
            return text.replace("  - name: lab3\n", change, 1)

        self.rig.ok("apply", str(self.rig.example("elsewhere.yaml", elsewhere)))
        found = {(one["meta"]["scope"], one["spec"]["mountPath"]) for one in self.rig.stand_in.data_sources()}
        self.assertEqual(found, {("department", "/mnt/elsewhere"), ("project", "/mnt/elsewhere")})

    def test_9c_nothing_was_complained_about(self):
        missing = OPERATIONS - set(self.rig.stand_in_log()["counts"])
        self.assertEqual(missing, set())
        self.assertGreater(self.rig.prism.forwarded(), 150)
        self.assertEqual(self.rig.prism.complaints(), [])


class Version220(SitePassesPrism, unittest.TestCase):
    version = VERSIONS["2.20"]


class Version224(SitePassesPrism, unittest.TestCase):
    version = VERSIONS["2.24"]


if __name__ == "__main__":
    run_tests()
