# Promise: a command that is told a socket works with the configuration that the supervisor published there, and with no
# other; where there is none, or others than root may have written it, it says so.
import os
import pathlib
import unittest

from fake_gateway import CliTest, FakeGateway


def gateway_with(values):
    """It has these settings; with None it is one that published none."""
    def handle(method, target, body, reply):
        if target == "/v1/doctor":
            return reply.json({"findings": []})
        if target == "/v1/backup":
            return reply.json({})
        return reply.refuse(404, "not_found", target)
    gateway = FakeGateway(handle)
    if values is not None:
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        pathlib.Path(gateway.directory.name, "configuration").write_text(text, encoding="utf-8")
    return gateway


class Configuration(CliTest):
    def test_doctor_looks_at_what_that_gateway_runs_with(self):
        with gateway_with({"labs.root": "/nowhere/labs", "ftps.pasv_address": "127.0.0.1"}) as gateway:
            self.check(gateway.run("doctor"), 3, ["/nowhere/labs does not exist", "are told 127.0.0.1 in PASV replies"])
            self.check(gateway.run("doctor", "--set", "labs.root=/nowhere/else"), 3, ["/nowhere/else does not exist"])

    def test_tls_shows_the_certificate_of_that_gateway(self):
        with gateway_with({"state_dir": "/nowhere/state", "run_dir": "/nowhere/run"}) as gateway:
            self.check(gateway.run("tls", "show"), 1, err=["/nowhere/state/tls/certificate.pem"])

    @unittest.skipUnless(os.geteuid() == 0, "only root installs certificates and saves secrets")
    def test_nothing_is_put_into_another_gateways_folders(self):
        with gateway_with({"ftps.certificate": "/nowhere/own.pem", "ftps.private_key": "/nowhere/own.key"}) as gateway:
            self.check(gateway.run("tls", "install", "a.pem", "b.pem"), 78, err=["/nowhere/own.pem"])
        with gateway_with({"state_dir": "/nowhere/state"}) as gateway:
            folder = os.path.join(gateway.directory.name, "backup")
            self.check(gateway.run("backup", folder), 78, err=["keeps its state in /nowhere/state"])
            self.assertFalse(os.path.exists(folder))

    def test_where_none_is_published_defaults_do_not_take_its_place(self):
        with gateway_with(None) as gateway:
            for words in (("doctor",), ("tls", "show")):
                self.check(gateway.run(*words), 1, err=["configuration", "--config FILE"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_what_others_than_root_wrote_is_not_believed(self):
        with gateway_with({"state_dir": "/nowhere/state"}) as gateway:
            os.chown(pathlib.Path(gateway.directory.name, "configuration"), 65534, 65534)
            for words in (("doctor",), ("tls", "install", "a.pem", "b.pem"), ("backup", "/nowhere/backup")):
                self.check(gateway.run(*words), 78, err=["may be changed by others than root"])



if __name__ == "__main__":
    unittest.main()
