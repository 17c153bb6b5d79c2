"""Corrections of hubs, on a clip that everything resembles."""

import numpy as np
import pytest

from model.calibration.hubness import centre, csls

SCORES = np.array([[0.50, 0.45, 0.10]], dtype=np.float32)
BANK = np.array([[0.60, 0.1, 0.1], [0.50, 0.2, 0.1], [0.10, 0.0, 0.3]], dtype=np.float32)


def test_csls_takes_half_of_what_the_nearest_queries_score() -> None:
    corrected = csls(SCORES, BANK, nearest=2)
    np.testing.assert_allclose(corrected, [[0.50 - 0.275, 0.45 - 0.075, 0.10 - 0.10]], atol=1e-6)
    assert corrected.argmax() == 1


@pytest.mark.parametrize("nearest", [0, 4])
def test_csls_needs_as_many_queries_as_it_asks_for(nearest: int) -> None:
    with pytest.raises(ValueError, match=f"nearest={nearest}: must be 1 to 3"):
        csls(SCORES, BANK, nearest=nearest)


def test_centring_takes_away_what_all_queries_share() -> None:
    bank = np.array([[0.6, 0.8], [0.6, -0.8]], dtype=np.float32)
    query = np.array([[0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(centre(query, bank), [[0, 1]], atol=1e-6)
    np.testing.assert_allclose(centre(query, bank, weight=0), query, atol=1e-6)
