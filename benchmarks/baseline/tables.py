"""The baseline's tables in SQLite (WAL), with an index for every query, and its sessions."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import JSON, Engine, ForeignKey, Index, UniqueConstraint, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker


class Base(DeclarativeBase):
    """All tables."""


class Account(Base):
    """Who may call; read for each request, so that a disabled account is out at once."""

    __tablename__ = "accounts"
    username: Mapped[str] = mapped_column(primary_key=True)
    disabled: Mapped[bool]


class Experiment(Base):
    """What is tested."""

    __tablename__ = "experiments"
    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    salt: Mapped[str]
    variants: Mapped[list["Variant"]] = relationship(order_by="Variant.position", lazy="selectin")


class Variant(Base):
    """One arm; `weight` in millionths."""

    __tablename__ = "variants"
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    weight: Mapped[int]
    config: Mapped[dict[str, object]] = mapped_column(JSON)


class Assignment(Base):
    """Who has which variant since when (milliseconds)."""

    __tablename__ = "assignments"
    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id"))
    user_id: Mapped[str]
    variant: Mapped[str]
    assigned_at: Mapped[int]
    context: Mapped[dict[str, object]] = mapped_column(JSON)
    __table_args__ = (UniqueConstraint("experiment_id", "user_id"),)


class Event(Base):
    """What a user did; `at` in milliseconds."""

    __tablename__ = "events"
    event_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    type: Mapped[str]
    at: Mapped[int]
    value: Mapped[float]
    properties: Mapped[dict[str, object]] = mapped_column(JSON)
    __table_args__ = (Index("events_of_user", "user_id", "type", "at", "value"),)


class Database:
    """One SQLite file; `session` is the dependency that endpoints ask for."""

    def __init__(self, path: Path) -> None:
        self.engine: Engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", _tune)
        Base.metadata.create_all(self.engine)
        self._sessions = sessionmaker(self.engine)

    def session(self) -> Iterator[Session]:
        """Yield a session for one request."""
        with self._sessions() as session:
            yield session


def _tune(connection: object, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]
