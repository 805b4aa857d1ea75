"""An FTPS client for tests, after Python's ftplib, that resumes TLS sessions, and can misbehave on purpose."""

import contextlib
import ftplib
import io
import socket
import ssl

TIMEOUT_SECONDS = 30


def context_for(certificate, version=None):
    """version: ssl.TLSVersion, or None for what both can."""
    context = ssl.create_default_context(cafile=str(certificate))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def presented_certificate(ports):
    """The certificate of a new connection, whatever it is, as PEM."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = FtpsClient(ports, None, implicit=True, context=context)
    try:
        return ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
    finally:
        client.drop()


class FtpsClient(ftplib.FTP_TLS):
    """explicit TLS, or implicit=True. `data_session` (a function of this client) chooses the session that a data
    connection offers; by default the newest of the control connection. `data_source`: local address of data
    connections."""

    def __init__(
        self,
        ports,
        certificate,
        *,
        version=None,
        implicit=False,
        context=None,
        source="127.0.0.1",
        host="127.0.0.1",
        data_session=lambda client: client.sock.session,
        data_source=None,
    ):
        super().__init__(
            context=context or context_for(certificate, version), timeout=TIMEOUT_SECONDS, encoding="utf-8"
        )
        self.data_session, self.data_source = data_session, data_source or source
        self.data_reused = None
        self.implicit = implicit
        self.connect(host, ports.ftps_implicit if implicit else ports.ftps, source_address=(source, 0))

    def connect(self, host="", port=0, timeout=-999, source_address=None):
        if not self.implicit:
            return super().connect(host, port, timeout, source_address)
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), TIMEOUT_SECONDS, source_address)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.file = self.sock.makefile("r", encoding=self.encoding, newline="\r\n")
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd, rest=None):
        """As ftplib's, but TLS begins after 150 and offers data_session's choice. A handshake that fails gives what
        the server then says on the control connection."""
        host, port = self.makepasv()
        plain = socket.create_connection((host, port), TIMEOUT_SECONDS, (self.data_source, 0))
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            answer = self.sendcmd(cmd)
            if answer[0] != "1":
                raise ftplib.error_reply(answer)
            size = ftplib.parse150(answer) if answer.startswith("150") else None
            secured = self.context.wrap_socket(plain, server_hostname=self.host, session=self.data_session(self))
            self.data_reused = secured.session_reused
            return secured, size
        except BaseException:
            plain.close()
            raise

    def store(self, name, data, command="STOR", rest=None):
        return self.storbinary(f"{command} {name}", io.BytesIO(data), rest=rest)

    def store_refused(self, name, data):
        """The reply to an upload that must fail; the server ends its data connection when it has no more room."""
        try:
            self.store(name, data)
        except ftplib.Error as refused:
            return str(refused)
        except OSError:
            return self.refusal()
        raise AssertionError(f"{len(data)} bytes were stored")

    def fetch(self, name, rest=None):
        received = bytearray()
        self.retrbinary(f"RETR {name}", received.extend, rest=rest)
        return bytes(received)

    def refusal(self):
        """The final reply after a data connection that was refused, as text."""
        try:
            return self.getresp()
        except ftplib.Error as refused:
            return str(refused)

    def exists(self, name):
        try:
            self.size(name)
            return True
        except ftplib.error_perm:
            return False

    def drop(self):
        """Hangs up without a word."""
        with contextlib.suppress(OSError, AttributeError):
            self.close()
