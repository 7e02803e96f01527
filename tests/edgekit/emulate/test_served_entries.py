"""Frames of the runtime for several entries and for states that outlive power, around a model that is made up."""

from __future__ import annotations

import pytest

from deploy.elf import Image
from edgekit.emulate import frames
from edgekit.emulate.machine import Machine
from tests.edgekit.emulate.images import BOARD, served

HEADER = """
#include "kernels/status.h"
#include "ek_nvm.h"
#define EK_ENTRIES 2
#define EK_LARGEST_INPUT_BYTES 3
#define EK_LARGEST_OUTPUT_BYTES 4
typedef struct { uint32_t input_bytes, output_bytes, writes; } ek_model_entry;
extern const ek_model_entry ek_model_entries[EK_ENTRIES];
uint8_t ek_model_call(uint32_t entry, const int8_t *input, int8_t *output);
#define EK_NVM 1
extern const ek_nvm_layout ek_model_nvm;
"""
# Entry 0: one byte -> twice its value. Entry 1, which writes: three bytes -> their sum and how many saves there were;
# its status is the first byte. Flash takes two saves.
MODEL = """
static uint8_t saves;
const ek_model_entry ek_model_entries[EK_ENTRIES] = {{1, 1, 0}, {3, 4, 1}};
const ek_nvm_layout ek_model_nvm;
void ek_model_run(const int8_t *input, int8_t *output) { output[0] = (int8_t)(2 * input[0]); }
int ek_model_selftest(void) { return 0; }
uint8_t ek_model_call(uint32_t entry, const int8_t *input, int8_t *output) {
    if (entry == 0) {
        ek_model_run(input, output);
        return EK_OK;
    }
    output[0] = (int8_t)(input[0] + input[1] + input[2]);
    output[1] = (int8_t)saves;
    output[2] = output[3] = 7;
    return (uint8_t)input[0];
}
ek_nvm_status ek_nvm_load(const ek_nvm_layout *layout) { (void)layout; return EK_NVM_FELL_BACK; }
ek_nvm_status ek_nvm_save(const ek_nvm_layout *layout) {
    (void)layout;
    return saves++ < 2 ? EK_NVM_OK : EK_NVM_FAILED;
}
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return served(MODEL, tmp_path_factory.mktemp("served"), 1, 1, more=HEADER)


def answered(image: Image, received: bytes) -> bytes:
    with Machine(image, BOARD, received, budget=1_000_000) as machine:
        return machine.run().sent


def test_every_entry_has_its_frame(image: Image) -> None:
    calls = [(0, b"\5"), (1, b"\0\1\2"), (1, b"\3\1\2"), (1, b"\0\1\1"), (1, b"\0\0\1"), (0, b"\xff")]
    sent = answered(image, b"".join(frames.call(entry) + data for entry, data in calls))
    passed, kept, found = frames.returned(sent, [1, 4, 4, 4, 4, 1])
    assert passed and kept == 2
    assert [one.outputs[:1] for one in found] == [b"\x0a", b"\3", b"\6", b"\2", b"\1", b"\xfe"]
    assert [one.status for one in found] == [0, 0, 3, 0, 4, 0]  # nothing is saved behind another status than 0
    assert [one.outputs[1] for one in found[1:5]] == [0, 1, 1, 2]


def test_the_first_entry_answers_as_the_only_one_would(image: Image) -> None:
    sent = answered(image, frames.requests([b"\4", b"\6"]))
    found = frames.answers(sent, 2, 1)
    assert found.selftest_passed and found.outputs == [b"\x08", b"\x0c"]


def test_states_are_saved_on_request(image: Image) -> None:
    request = b"\xebW"
    sent = answered(image, 3 * request + frames.call(2) + frames.requests([b"\1"]))
    assert sent == b"EK\0\xebN\2" + b"\xebN\0\xebN\0\xebN\5" + b"\xebO\2"
