"""How fast the guest's clock is to go. An emulated guest reads this machine's time stamp counter and finds out its
frequency by waiting for other emulated clocks; on a busy machine it was seen to be wrong by a factor of three, and
every limit in the guest passed three times too soon."""

import ctypes
import functools
import mmap
import platform
import time

_READ_COUNTER = bytes.fromhex("0f31" "48c1e220" "4809d0" "c3")  # rdtsc; shl $32, %rdx; or %rdx, %rax; ret
_SECONDS, _ATTEMPTS = 0.1, 50


@functools.cache
def counter_khz():
    """Of the time stamp counter; None where there is none of that kind."""
    if platform.machine() != "x86_64":
        return None
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_READ_COUNTER)
    counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))

    def at_one_moment():
        """The counter between two looks at the clock, those that lay closest together."""
        seen = [(time.monotonic_ns(), counter(), time.monotonic_ns()) for _ in range(_ATTEMPTS)]
        before, ticks, after = min(seen, key=lambda look: look[2] - look[0])
        return (before + after) / 2, ticks

    began, first = at_one_moment()
    time.sleep(_SECONDS)
    ended, last = at_one_moment()
    return round((last - first) / (ended - began) * 1e6)
