"""What a parent asks of its spawner: lines on a socket."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from indexer.decoding.limits import DecodeLimits
from indexer.decoding.plans import Plan, read_plan

KILL = b"kill"
"""The line that ends the child which runs."""


class SpawnRequest(NamedTuple):
    """One decode; two open files for the child's output travel beside it."""

    path: Path
    plan: Plan
    limits: DecodeLimits

    def line(self) -> bytes:
        """Return it as a line."""
        told = {"path": str(self.path), "plan": json.dumps(asdict(self.plan)), "limits": asdict(self.limits)}
        return json.dumps(told).encode() + b"\n"


def read_request(line: bytes) -> SpawnRequest:
    """Return what the parent asks for in `line`; raises ValueError, KeyError or TypeError where nothing."""
    told = json.loads(line)
    return SpawnRequest(Path(told["path"]), read_plan(told["plan"]), DecodeLimits(**told["limits"]))
