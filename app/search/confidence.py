"""Moved to ``app.confidence``; this name goes as soon as nobody imports it."""

from app.confidence import Calibrator as Calibrator
from app.confidence import Confidence as Confidence
from app.confidence import QueryLevel as QueryLevel
