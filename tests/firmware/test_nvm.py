"""Saving state in two slots, compiled for this computer: power is cut at every step, in several ways."""

from __future__ import annotations

import ctypes
import subprocess
import zlib
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest

from deploy.paths import firmware_root
from tests.firmware.toolchain import WARNINGS, host_compiler

SIZES = (1, 40, 0, 7, 64)  # bytes of the spans: not multiples of what flash programs at once
HEADER_BYTES = 24
NEVER = 0xFFFFFFFF


class Status(IntEnum):
    """Mirrors ek_nvm_status."""

    OK = 0
    EMPTY = 1
    FELL_BACK = 2
    CORRUPT = 3
    FOREIGN = 4
    FAILED = 5


class Span(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("bytes", ctypes.c_uint32))


class Layout(ctypes.Structure):
    _fields_ = (("spans", ctypes.POINTER(Span)), ("count", ctypes.c_uint32), ("fingerprint", ctypes.c_uint32))


class Device:
    """The runtime with a state in memory and flash that is erased at first."""

    def __init__(self, library: ctypes.CDLL, sizes: Sequence[int] = SIZES, fingerprint: int = 0x1234) -> None:
        self.lib = library
        self.values = [np.zeros(size, np.uint8) for size in sizes]
        self.spans = (Span * len(sizes))(*(Span(v.ctypes.data, v.size) for v in self.values))
        self.layout = Layout(self.spans, len(sizes), fingerprint)
        self.set(slot_bytes=512, cut_at=NEVER, fail_at=NEVER, stuck_at=NEVER, refuses_to_open=0, noise=1)

    def set(self, **numbers: int) -> None:
        for name, value in numbers.items():
            (ctypes.c_uint64 if name == "noise" else ctypes.c_uint32).in_dll(self.lib, name).value = value

    @property
    def steps(self) -> int:
        return ctypes.c_uint32.in_dll(self.lib, "steps").value

    @property
    def flash(self) -> np.ndarray:
        """Both slots, (2, bytes), uint8; the simulation's own memory."""
        return np.ctypeslib.as_array((ctypes.c_uint8 * 512 * 2).in_dll(self.lib, "flash"))

    def fill(self, seed: int) -> bytes:
        """Put a state into memory; returns it."""
        generator = np.random.default_rng(seed)
        for value in self.values:
            value[:] = generator.integers(0, 256, value.size)
        return self.state

    @property
    def state(self) -> bytes:
        return b"".join(value.tobytes() for value in self.values)

    def save(self) -> Status:
        self.set(steps=0)
        return Status(self.lib.ek_nvm_save(ctypes.byref(self.layout)))

    def saved(self, seed: int) -> bytes:
        """Save a state that is told apart by its seed; returns it."""
        state = self.fill(seed)
        assert self.save() is Status.OK
        return state

    def load(self) -> Status:
        """As after a reset: power is there again, nothing of the state is in memory."""
        self.set(cut_at=NEVER, steps=0)
        for value in self.values:
            value[:] = 0xEE
        return Status(self.lib.ek_nvm_load(ctypes.byref(self.layout)))

    @property
    def initial(self) -> bytes:
        return b"\xee" * sum(value.size for value in self.values)


@pytest.fixture(scope="module", params=("zig, sanitized", "zig, optimised"))
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    root, target = firmware_root(), tmp_path_factory.mktemp("nvm") / "nvm.so"
    sources = [root / "runtime" / "nvm" / "nvm.c", Path(__file__).parent / "simulated_flash.c"]
    words = [*host_compiler(request.param), *WARNINGS, "-I", str(root), "-shared", "-fPIC", "-o", str(target)]
    subprocess.run([*words, *map(str, sources)], check=True)
    return ctypes.CDLL(str(target))


@pytest.fixture
def device(library: ctypes.CDLL) -> Device:
    device = Device(library)
    device.flash[:] = 0xFF
    return device


def test_what_was_saved_comes_back(device: Device) -> None:
    assert device.load() is Status.EMPTY and device.state == device.initial
    for seed in range(5):
        state = device.saved(seed)
        assert device.load() is Status.OK and device.state == state


def test_saves_take_turns_and_leave_the_newest_slot_alone(device: Device) -> None:
    for seed in range(4):
        other = device.flash[1 - seed % 2].copy()
        device.saved(seed)
        assert (device.flash[1 - seed % 2] == other).all()
        assert device.flash[seed % 2, 16:20].view("<u4")[0] == seed


def test_the_slot_is_what_the_header_file_says(device: Device) -> None:
    state = device.saved(3)
    slot = device.flash[0].tobytes()
    words = np.frombuffer(slot[:HEADER_BYTES], "<u4").tolist()
    assert slot[:4] == b"EKNV" and words[1:5] == [1, 0x1234, len(state), 0]
    assert words[5] == zlib.crc32(slot[:20] + state)
    assert slot[HEADER_BYTES : HEADER_BYTES + len(state)] == state
    assert device.steps == 1 + 3 + -(-len(state) // 8)


def test_power_may_go_at_every_step(device: Device) -> None:
    """Whatever the step and whatever the cells hold then, the old state or the new one is there, and saving goes on."""
    device.saved(1)
    old = device.saved(2)
    before = device.flash.copy()
    new = device.fill(3)
    device.save()
    steps = device.steps
    seen = set()
    for noise in (0, *range(1, 30)):
        for cut in range(steps):
            device.flash[:] = before
            device.fill(3)
            device.set(noise=noise, cut_at=cut)
            device.save()
            status = device.load()
            assert device.state in (old, new), (noise, cut)
            assert status in (Status.OK, Status.FELL_BACK)
            seen.add((status, device.state == new))
            again = device.saved(4)
            assert device.load() is Status.OK and device.state == again
    assert seen == {(Status.OK, False), (Status.FELL_BACK, False)}
    device.flash[:] = before
    device.set(cut_at=steps)
    device.fill(3)
    device.save()
    assert device.load() is Status.OK and device.state == new


def test_power_may_go_during_the_first_save(device: Device) -> None:
    device.fill(1)
    device.save()
    for cut in range(device.steps):
        device.flash[:] = 0xFF
        device.fill(1)
        device.set(cut_at=cut, noise=cut)
        device.save()
        assert device.load() in (Status.EMPTY, Status.CORRUPT) and device.state == device.initial
        device.saved(2)
        assert device.load() is Status.OK


def test_power_may_go_again_and_again(device: Device) -> None:
    """A save that repairs what a cut left is cut itself."""
    old = device.saved(1)
    for cut in (0, 1, 5, 12, 3, 0):
        device.fill(2)
        device.set(cut_at=cut, noise=cut + 1)
        device.save()
        assert device.load() is Status.FELL_BACK and device.state == old


@pytest.mark.parametrize("bit", [0, 40, 70, 100, 130, 165, 8 * HEADER_BYTES, 8 * (HEADER_BYTES + 111) + 7])
def test_any_damaged_bit_makes_the_other_slot_count(device: Device, bit: int) -> None:
    old = device.saved(1)
    device.saved(2)
    device.flash[1, bit // 8] ^= 1 << bit % 8
    assert device.load() is Status.FELL_BACK and device.state == old
    repaired = device.saved(3)
    assert device.load() is Status.OK and device.state == repaired


def test_two_damaged_slots_leave_the_initial_state(device: Device) -> None:
    device.saved(1)
    device.saved(2)
    device.flash[:, HEADER_BYTES] ^= 1
    assert device.load() is Status.CORRUPT and device.state == device.initial
    saved = device.saved(3)
    assert device.load() is Status.FELL_BACK and device.state == saved


def test_anything_in_flash_is_no_state(device: Device) -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        device.flash[:] = generator.integers(0, 256, device.flash.shape)
        assert device.load() is Status.CORRUPT and device.state == device.initial


@pytest.mark.parametrize("difference", [{"fingerprint": 0x1235}, {"sizes": (*SIZES, 8)}, {"sizes": (1, 39, 0, 7, 64)}])
def test_the_state_of_another_model_is_refused(device: Device, difference: dict[str, int]) -> None:
    device.saved(1)
    device.saved(2)
    other = Device(device.lib, **difference)  # type: ignore[arg-type]
    assert other.load() is Status.FOREIGN and other.state == other.initial
    saved = other.saved(3)
    assert other.load() is Status.FELL_BACK and other.state == saved
    other.saved(4)
    assert other.load() is Status.OK
    assert device.load() is Status.FOREIGN


def test_the_state_of_another_version_is_refused(device: Device) -> None:
    state = device.saved(1)
    slot = device.flash[0]
    slot[4] = 2
    slot[20:24] = np.frombuffer(zlib.crc32(slot[:20].tobytes() + state).to_bytes(4, "little"), np.uint8)
    assert device.load() is Status.FOREIGN


def test_a_step_that_flash_refuses_fails_the_save(device: Device) -> None:
    old = device.saved(1)
    device.saved(2)
    steps = device.steps
    for kind in ("fail_at", "stuck_at"):
        for step in range(kind == "stuck_at", steps):
            device.flash[:] = 0xFF
            device.saved(1)
            device.fill(2)
            device.set(**{kind: step})
            assert device.save() is Status.FAILED, (kind, step)
            device.set(**{kind: NEVER})
            untouched = kind == "fail_at" and step < 2  # the erase itself, or the first write behind it
            assert device.load() is (Status.OK if untouched else Status.FELL_BACK)
            assert device.state == old


def test_flash_that_does_not_open_or_is_too_small_fails_the_save(device: Device) -> None:
    old = device.saved(1)
    before = device.flash.copy()
    device.set(refuses_to_open=1)
    assert device.save() is Status.FAILED
    device.set(refuses_to_open=0, slot_bytes=HEADER_BYTES + len(old) - 1)
    assert device.save() is Status.FAILED
    device.set(slot_bytes=512)
    assert (device.flash == before).all() and device.load() is Status.OK


def test_sequence_numbers_overflow(device: Device) -> None:
    """Around 2^32 the later save is still the newest; all ones mean a slot that was not finished."""
    for start in range(0xFFFFFFFA, 0xFFFFFFFF):
        device.flash[:] = 0xFF
        state = device.saved(0)
        slot = device.flash[0]
        slot[16:20] = np.frombuffer(start.to_bytes(4, "little"), np.uint8)
        slot[20:24] = np.frombuffer(zlib.crc32(slot[:20].tobytes() + state).to_bytes(4, "little"), np.uint8)
        for seed in range(1, 8):
            state = device.saved(seed)
            assert device.load() is Status.OK and device.state == state
