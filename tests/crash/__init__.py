"""The crash harness: a kernel that is killed again and again, and a world that remembers.

The parent is the outside world and survives everything: it sends messages, plays the model, runs
the tools and takes the replies, and keeps its own ledger of it all. Each life of the kernel is a
child, forked from the parent, which has imported everything already. A life ends by SIGKILL, at a
random moment or at a failpoint: before and after every commit and every effect. After some lives a
quiet one runs to its end, and the ledger is judged.

Kills do not test fsync: what was written stays in the page cache of the machine, which lives on.
"""
