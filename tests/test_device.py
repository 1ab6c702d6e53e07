"""Names of devices, and how memory that ran out is told from other errors."""

from __future__ import annotations

import pytest
import torch

from nmt.device import choose_device, is_out_of_memory
from nmt.errors import ConfigError, DeviceError


@pytest.fixture
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize(
    ("name", "device"),
    [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cuda:00", "cuda:0"), ("cuda:01", "cuda:1")],
)
def test_a_device_is_found_by_its_number(name: str, device: str) -> None:
    assert choose_device(name) == torch.device(device)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("two_devices")
def test_each_of_several_processes_has_a_device_of_its_own() -> None:
    for name in ("auto", "cuda"):
        assert [choose_device(name, process) for process in range(2)] == [torch.device("cuda", n) for n in range(2)]
        with pytest.raises(DeviceError, match="cuda:2 is not there: CUDA devices found: 2"):
            choose_device(name, 2)
    assert choose_device("cpu", 2) == torch.device("cpu")
    with pytest.raises(ConfigError):
        choose_device("cuda:1", 1)


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize("name", ["cuda:2", "cuda:99", "cuda:" + "9" * 5000])
def test_an_absent_device_is_told(name: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_device(name)
    assert len(str(caught.value)) < 200 and str(caught.value).endswith("CUDA devices found: 2")


@pytest.mark.parametrize(
    "name", ["", "tpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:1.0", "cuda:٣", "cuda:0 ", "auto:0"]
)
def test_what_names_no_device_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        choose_device(name)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
    ],
    ids=repr,
)
def test_memory_that_ran_out_is_known(error: BaseException) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        torch.AcceleratorError("CUDA error: device-side assert triggered"),
        ValueError("out of memory"),
        RuntimeError("could not create a primitive descriptor for the inner product forward propagation primitive"),
    ],
    ids=repr,
)
def test_other_errors_are_not_taken_for_it(error: BaseException) -> None:
    assert not is_out_of_memory(error)
