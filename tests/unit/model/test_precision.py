"""The number type follows the device."""

import pytest
import torch

from model.precision import fast_dtype


@pytest.mark.parametrize(("is_native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_processor_computes_in_bfloat16_only_where_it_does_so_natively(
    monkeypatch: pytest.MonkeyPatch, is_native: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: is_native)
    assert fast_dtype(torch.device("cpu")) is dtype


def test_a_device_of_another_kind_computes_in_float32() -> None:
    assert fast_dtype(torch.device("meta")) is torch.float32
