"""What got its 226 survives a power cut on ext4, whose journal keeps names with files too (ftps/worker/journaled_names.hpp): power_cuts.py has the promise."""

import power_cuts

TIMEOUT = 700
DISKS = {"labs": "1G", "state": "256M", "ledger": "1M"}
LOSSY_DISKS = ("labs", "state")

power_cuts.play("ext4")
