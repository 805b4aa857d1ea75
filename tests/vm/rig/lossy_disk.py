"""A disk that keeps what was flushed and, when the power is cut, an arbitrary part of what was not; and that is slow
enough to have some of what was written under way then.

An NBD server over one connected socket per boot (github.com/NetworkBlockDevice/nbd, doc/proto.md: fixed newstyle,
simple replies). Written blocks stay in memory until the guest flushes; only then do they reach the file.
"""

import contextlib
import os
import random
import socket
import struct
import threading
import time

BLOCK = 4096
# Small writes, as those of a journal, take no time.
SMALL, BYTES_PER_SECOND = 64 << 10, 8e6
_MAGIC, _OPTION_MAGIC, _OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x0003E889045565A9
_OPT_EXPORT_NAME, _OPT_ABORT, _OPT_INFO, _OPT_GO = 1, 2, 6, 7
_REP_ACK, _REP_INFO, _REP_ERR_UNSUP = 1, 3, 0x80000001
_REQUEST_MAGIC, _REPLY_MAGIC = 0x25609513, 0x67446698
_READ, _WRITE, _DISCONNECT, _FLUSH, _WRITE_ZEROES = 0, 1, 2, 3, 6
_FUA = 1
_FLAGS = 1 | 1 << 2 | 1 << 3 | 1 << 6  # HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_WRITE_ZEROES
_EINVAL = 22


class LossyDisk:
    def __init__(self, file, size):
        self._fd, self._size = file.fileno(), size
        self._file = file
        self._unflushed = {}  # block number: bytes
        self._thread = None

    def plug_in(self):
        """The socket that QEMU takes."""
        ours, theirs = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, args=(ours,), daemon=True)
        self._thread.start()
        return theirs

    def unplug(self):
        """QEMU is gone; what it sent before is in."""
        if self._thread:
            self._thread.join()
            self._thread = None

    def cut_power(self, seed):
        """Each unflushed block survives or not. Returns (kept, lost)."""
        self.unplug()
        dice = random.Random(seed)
        chance = dice.random()
        kept = {number: data for number, data in self._unflushed.items() if dice.random() < chance}
        lost = len(self._unflushed) - len(kept)
        self._unflushed = kept
        self._flush()
        return len(kept), lost

    def keep_all(self):
        """An orderly end."""
        self.unplug()
        self._flush()

    # --- blocks ------------------------------------------------------------------------------------------------

    def _block(self, number):
        data = self._unflushed.get(number)
        return data if data is not None else os.pread(self._fd, BLOCK, number * BLOCK).ljust(BLOCK, b"\0")

    def _read(self, offset, length):
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        if not any(number in self._unflushed for number in range(first, last + 1)):
            return os.pread(self._fd, length, offset).ljust(length, b"\0")
        data = b"".join(self._block(number) for number in range(first, last + 1))
        return data[offset - first * BLOCK :][:length]

    def _write(self, offset, data):
        if len(data) > SMALL:
            time.sleep(len(data) / BYTES_PER_SECOND)
        position = 0
        while position < len(data):
            number, begin = divmod(offset + position, BLOCK)
            piece = data[position : position + BLOCK - begin]
            if len(piece) == BLOCK:
                self._unflushed[number] = bytes(piece)
            else:
                old = self._block(number)
                self._unflushed[number] = old[:begin] + bytes(piece) + old[begin + len(piece) :]
            position += len(piece)

    def _flush(self):
        for number, data in self._unflushed.items():
            os.pwrite(self._fd, data, number * BLOCK)
        self._unflushed = {}

    # --- the wire ----------------------------------------------------------------------------------------------

    def _serve(self, connection):
        # What ends it, be it amid a reply that is closed unsent: QEMU was killed.
        with contextlib.suppress(EOFError, ConnectionError):
            with connection, connection.makefile("rwb", buffering=1 << 20) as stream:
                if self._negotiate(stream):
                    while self._request(stream):
                        pass

    @staticmethod
    def _take(stream, count):
        data = stream.read(count)
        if len(data) != count:
            raise EOFError
        return data

    def _negotiate(self, stream):
        stream.write(struct.pack(">QQH", _MAGIC, _OPTION_MAGIC, 3))
        stream.flush()
        no_zeroes = struct.unpack(">I", self._take(stream, 4))[0] & 2
        while True:
            _, option, length = struct.unpack(">QII", self._take(stream, 16))
            self._take(stream, length)
            if option == _OPT_EXPORT_NAME:
                stream.write(struct.pack(">QH", self._size, _FLAGS) + (b"" if no_zeroes else b"\0" * 124))
                stream.flush()
                return True
            if option in (_OPT_GO, _OPT_INFO):
                self._option_reply(stream, option, _REP_INFO, struct.pack(">HQH", 0, self._size, _FLAGS))
            known = option in (_OPT_GO, _OPT_INFO, _OPT_ABORT)
            self._option_reply(stream, option, _REP_ACK if known else _REP_ERR_UNSUP, b"")
            stream.flush()
            if option in (_OPT_GO, _OPT_ABORT):
                return option == _OPT_GO

    @staticmethod
    def _option_reply(stream, option, kind, data):
        stream.write(struct.pack(">QIII", _OPTION_REPLY, option, kind, len(data)) + data)

    def _request(self, stream):
        magic, flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", self._take(stream, 28))
        if magic != _REQUEST_MAGIC or kind == _DISCONNECT:
            return False
        data, error = b"", 0
        if kind == _READ:
            data = self._read(offset, length)
        elif kind == _WRITE:
            self._write(offset, memoryview(self._take(stream, length)))
        elif kind == _WRITE_ZEROES:
            self._write(offset, bytes(length))
        elif kind == _FLUSH:
            self._flush()
        else:
            error = _EINVAL
        if flags & _FUA:
            self._flush()  # more than was asked for, as a disk may
        stream.write(struct.pack(">IIQ", _REPLY_MAGIC, error, cookie) + data)
        stream.flush()
        return True
