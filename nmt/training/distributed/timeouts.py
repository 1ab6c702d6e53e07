"""How long the processes of one training wait for each other, in seconds: the shorter before the longer.

What waits for something has to wait longer than whatever ends that.
"""

from __future__ import annotations

SECONDS_BETWEEN_POLLS = 0.05  # of the store
SECONDS_BETWEEN_BEATS = 1.0

# For a process that ends by an error to say so; others notice within moments that it is gone.
SECONDS_TO_TELL = 2.0
# For a process that is asked to stop before training has begun, when there is nothing to save.
SECONDS_TO_BE_DISMISSED = 20.0
# Of silence, after which a process is taken for dead. All must notice within a minute, and nothing that is alive may be
# silent for so long: a thread of its own beats, which waits for no disk.
SECONDS_OF_SILENCE = 45.0
# For what processes compute together, which all begin within moments of each other: the others wait elsewhere, without
# limit, while the first validates or saves. A connection between two may fail that reach all others.
SECONDS_OF_UPDATE = 60.0
# For a process to load the program and to beat for the first time.
SECONDS_TO_COME = 180.0
# To find the store. Where the first process has it, that may first wait for the lock of a machine that is dead
# (`nmt.io.locks.SECONDS_FOR_OWN_JOB`).
SECONDS_TO_CONNECT = 300.0
