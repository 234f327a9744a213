"""Power cuts: what is left of a home when the machine loses its power, and what Argent makes of it.

A real kernel runs once in a process of its own, under a library that keeps a log of every change to
the files of its home (``shim.c``). Afterwards the log is cut at any place and the disk is built as
it could be then (``disk.py``); a kernel is started on it, and what the world knows is compared with
what Argent knows (``recovery.py``).

The disk is as bad as the manual pages allow. What ``fsync`` covered when it returned is there. Of
the rest, each write is kept, lost, or torn between sectors of 512 bytes, in any order; a file may
have grown without its contents, which are zeros or rubbish then. An ``fsync`` of a file says
nothing of its name (https://man7.org/linux/man-pages/man2/fsync.2.html): names that were made,
moved or removed are safe once their folder was synced, and of those that were not, the last ones
are lost, as file systems with a log of their names behave. Bytes beside those that are written do
not change, and a rename is whole or not at all. These are SQLite's own assumptions
(https://www.sqlite.org/atomiccommit.html#hardware, https://www.sqlite.org/psow.html); it
syncs the folder of its files, but not the folders above.
"""
