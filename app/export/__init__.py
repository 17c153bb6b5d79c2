"""Moments taken away: as a table (CSV), an edit list (EDL) or a timeline (OpenTimelineIO)."""
