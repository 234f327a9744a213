"""What a person can do about what the file system says."""

from __future__ import annotations

import errno

_OTHERWISE = "Look at who owns it and what it allows."
_BY_NUMBER = {
    errno.ENOSPC: "Free some space on the disk.",
    errno.EDQUOT: "Free some space; how much you may store here is limited.",
    errno.EFBIG: "Let files grow further; see: ulimit -f.",
    errno.EROFS: "Mount the disk so that it can be written to.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EIO: "Look at the disk; it may be failing.",
    errno.ELOOP: "Remove the link, which leads back to itself.",
    errno.EMFILE: "Let a process have more files open; see: ulimit -n.",
    errno.ENOENT: "Look whether its folder is there.",
}


def remedy(error: OSError) -> str:
    """Say what a person can do about an error of the file system."""
    return _BY_NUMBER.get(error.errno or 0, _OTHERWISE)
