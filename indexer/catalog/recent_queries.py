"""Words that were searched for lately: what generations are compared by. Functions never commit."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from indexer.catalog.client_tables import RecentQuery
from indexer.catalog.judgements import query_key


def remember(session: Session, asked: Mapping[str, datetime], keep: int) -> None:
    """Store what was ``asked`` and when, and of all that is stored the ``keep`` latest."""
    for text, asked_at in asked.items():
        session.merge(RecentQuery(query_key=query_key(text), text=text, asked_at=asked_at))
    session.flush()
    latest = select(RecentQuery.query_key).order_by(RecentQuery.asked_at.desc(), RecentQuery.query_key)
    session.execute(
        delete(RecentQuery).where(RecentQuery.query_key.in_(latest.offset(keep).limit(_count(session)))),
        execution_options={"synchronize_session": False},
    )


def latest(session: Session, limit: int) -> list[str]:
    """Return the words of the latest queries, each once, the latest first."""
    statement = select(RecentQuery.text).order_by(RecentQuery.asked_at.desc(), RecentQuery.query_key)
    return list(session.scalars(statement.limit(limit)))


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RecentQuery)) or 1
