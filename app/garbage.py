"""Rounds of the garbage collector, kept short in a process that answers requests.

Python's last round looks at every object there is. The libraries and models of this service are half a
million that stay for good; looking at them again and again stopped every thread for 0.1 s, once in some
hundred searches (on two cores with nothing else to do).
"""

import gc


def spare_what_stays() -> None:
    """Let later rounds pass by all that there is now: call it when a service is ready."""
    gc.unfreeze()  # a model that went is taken out of what was spared before
    gc.collect()
    gc.freeze()
