# Promise: a command that is told a socket works with the configuration of the gateway there, and with no other: it asks
# for it, or says that it cannot be told.
import os
import unittest

from fake_gateway import CliTest, FakeGateway


def gateway_with(values):
    """It has these settings; with None it is one that does not tell."""
    def handle(method, target, body, reply):
        if target == "/v1/config":
            if values is None:
                return reply.refuse(404, "not_found", "GET /v1/config: there is no such path",
                                    "command line and gateway may be of different versions")
            return reply.json({"values": values})
        if target == "/v1/doctor":
            return reply.json({"findings": []})
        if target == "/v1/backup":
            return reply.json({})
        return reply.refuse(404, "not_found", target)
    return FakeGateway(handle)


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

    def test_one_that_does_not_tell_is_not_replaced_by_defaults(self):
        with gateway_with(None) as gateway:
            for words in (("doctor",), ("tls", "show")):
                self.check(gateway.run(*words), 1, err=["there is no such path", "--config FILE"])


if __name__ == "__main__":
    unittest.main()
