"""The whole examination of a library: each kind of drift in its turn, mended as it is found where wanted.

It may run beside a service and its workers: whatever looks wrong because it is just being changed is looked
at again, and every repair looks once more, under the lock that keeps others from changing it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from indexer.doctor.catalog_rows import (
    examine_clips,
    examine_database,
    examine_revisions,
    examine_vectors,
    examine_words,
)
from indexer.doctor.finding import Finding, FindingCode, Result
from indexer.doctor.index_snapshots import examine_snapshots
from indexer.doctor.job_rows import examine_jobs, examine_waiting
from indexer.doctor.leftovers import examine_leftovers
from indexer.doctor.media_files import examine_media
from indexer.doctor.thumbnail_files import examine_thumbnails
from indexer.doctor.upload_files import examine_uploads
from indexer.library import Library

log = logging.getLogger(__name__)

Check = Callable[[], Iterable[Finding]]


def examine(library: Library, *, is_deep: bool = False, is_repairing: bool = False) -> Iterator[Result]:
    """Yield all that is wrong with ``library`` and, if repairing, what was done about it.

    A deep examination also reads every file, every vector and watches leases. Where the database itself is
    damaged nothing else is looked at.
    """
    for check in _checks(library, is_deep=is_deep):
        is_damaged = False
        for finding in list(check()):
            is_damaged |= finding.code is FindingCode.DATABASE_DAMAGED
            result = _mend(finding) if is_repairing and finding.mend is not None else Result(finding)
            if result is not None:
                yield result
        if is_damaged:
            return


def _checks(library: Library, *, is_deep: bool) -> list[Check]:
    return [
        partial(examine_database, library, is_deep=is_deep),
        partial(examine_words, library),
        partial(examine_revisions, library),
        partial(examine_vectors, library, is_deep=is_deep),
        partial(examine_clips, library),
        partial(examine_leftovers, library),
        partial(examine_media, library, is_deep=is_deep),
        partial(examine_thumbnails, library, is_deep=is_deep),
        partial(examine_snapshots, library, is_deep=is_deep),
        partial(examine_uploads, library),
        partial(examine_jobs, library, is_deep=is_deep),
        partial(examine_waiting, library),
    ]


def _mend(finding: Finding) -> Result | None:
    """Return what came of mending; None when there was nothing to mend any more."""
    if finding.mend is None:
        return Result(finding)
    try:
        done = finding.mend()
    except OSError as error:
        log.warning("a repair failed", extra={"subject": finding.subject, "reason": str(error)})
        return Result(finding)
    return Result(finding, done) if done is not None else None
