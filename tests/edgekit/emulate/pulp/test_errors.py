"""Every way to fail ends the run, with the core, the function, the layer and the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp.machine import Context, Machine
from tests.edgekit.emulate.pulp.programs import GAP8, build, cluster_program


def failure(body: str, folder: Path, *, cores: int = 0x8, budget: int = 100_000) -> str:
    """The message of a program whose core 3 executes ``body`` in a layer."""
    before = f'NOINLINE void work(void) {{ {body} }}\nNOINLINE void model_layer_02_conv(void) {{ work(); ASM(""); }}\n'
    image = cluster_program("model_layer_02_conv();", folder, cores=cores, before=before)
    layer = Context("layer 2 (conv)", image.symbol("model_layer_02_conv").address)
    with Machine(image, GAP8, contexts=[layer], budget=budget) as machine, pytest.raises(EmulationError) as error:
        machine.run()
    return str(error.value)


@pytest.mark.parametrize(
    "body, message",
    [
        ('ASM(".word 0xffffffff");', "illegal instruction 0xffffffff"),
        ('ASM(".option rvc\\n .half 0");', "illegal instruction 0x0000"),
        ("*(volatile u32 *)0x20000000 = 1;", "access to 0x20000000, where board 'gap8' has neither memory"),
        ("(void)*(volatile u32 *)0x10010000;", "access to 0x10010000"),
        ("(void)*(volatile u32 *)0x1C080000;", "access to 0x1c080000"),
        ("(void)*(volatile u32 *)0x1000FFFE;", "access to 0x1000fffe"),
        ("*(volatile u32 *)0x1C07FFFD = 1;", "access to 0x1c07fffd"),
        ("(void)*(volatile u32 *)0x1B000000;", "access to 0x1b000000"),
        ("(void)R(0x10204030);", "access to 0x10204030: no such register"),
        ("(void)R(0x1A1040A4);", "access to 0x1a1040a4: no such register"),
        ("(void)R(0x1A10F000);", "access to 0x1a10f000: no such register"),
        ("(void)R(0x10204402);", "misaligned access to 0x10204402"),
        ("(void)*(volatile u32 *)0x10100002;", "misaligned access to 0x10100002"),
        ('ASM("li a0, 0x10000002\\n .word 0x00056503");', "misaligned access to 0x10000002"),  # p.elw
        ("((void (*)(void))0x30000000)();", "jump to 0x30000000"),
        ('ASM("csrr a0, 0x7e0");', "CSR 0x7e0"),
        ('ASM("csrw 0xf14, a0");', "CSR 0xf14"),
        ("for (;;) {}", "no end within 100,000 cycles"),
        ("MASK = 1; WAIT();", "all cores sleep and nothing will wake them"),
        ("MASK = 0; R(0x10204200) = 8; R(0x1020420C) = 8; BARRIER();", "core 3 waits for an event (mask 0x0"),
        ("MASK = 0; ELW(0xC0);", "waits for a mutex (mask 0x0; event 17"),
        ("MASK = 1u << 16; ELW(0x80);", "waits for the dispatcher"),
        ("R(0x10204084) = 8; for (u32 i = 0; i < 9; i++) R(0x10204080) = i;", "access to 0x10204080"),
        ("R(0x10200400) = 0x80;  R(0x10200400) = 0x21;", "access to 0x10200400"),
    ],
)  # fmt: skip
def test_on_a_core(body: str, message: str, tmp_path: Path) -> None:
    text = failure(body, tmp_path)
    assert message in text
    assert "cluster core 3 at " in text
    assert "in layer 2 (conv)" in text
    assert "work" in text


@pytest.mark.parametrize(
    "body, message",
    [
        ("for (;;) ASM(\"wfi\");", "all cores sleep and nothing will wake them: the controller waits"),
        ("(void)R(0x10204000);", "access to 0x10204000"),
        ('ASM(".word 0x00000000");', "illegal instruction 0x0000"),
        ("*(volatile u32 *)0x8000 = 1;", "access to 0x00008000"),
        ("R(0x10200040 + 32) = 1;", "access to 0x10200060"),
        ("R(0x10200E20) = 1;", "access to 0x10200e20"),
        ("R(0x10200040) = 0; R(0x10200008) = 1; for (;;) ASM(\"wfi\");", "illegal instruction"),
    ],
)  # fmt: skip
def test_on_the_controller(body: str, message: str, tmp_path: Path) -> None:
    image = build(f"void fc_main(void) {{ {body} }}\n", tmp_path)
    with Machine(image, GAP8, budget=100_000) as machine, pytest.raises(EmulationError) as error:
        machine.run()
    assert message in str(error.value)
    assert ("controller at fc_main" in str(error.value)) != ("0x10200008" in body)


def test_a_controller_without_xpulp(tmp_path: Path) -> None:
    """Mr. Wolf's controller has no XpulpV2; its cores do."""
    dot = 'ASM(".word 0xb8b51557");'
    on_controller = build(f"void fc_main(void) {{ {dot} leave(0); }}\n", tmp_path)
    wolf = load_board("mrwolf")
    with Machine(on_controller, GAP8) as machine:
        assert machine.run().exit_code == 0
    with Machine(on_controller, wolf) as machine, pytest.raises(EmulationError, match="RV32IMC only") as error:
        machine.run()
    assert "illegal instruction 0xb8b51557" in str(error.value) and "controller at fc_main" in str(error.value)
    on_core = cluster_program(dot, tmp_path)
    with Machine(on_core, wolf) as machine:
        assert machine.run().exit_code == 0


def test_recursion_of_counted_functions(tmp_path: Path) -> None:
    before = "NOINLINE u32 deep(u32 n);\nNOINLINE u32 deep(u32 n) {"
    before += ' u32 rest = n ? deep(n - 1) : 0; ASM(""); return rest + n; }\n'
    image = cluster_program("code = deep(DEPTH);", tmp_path, before="#define DEPTH 60\n" + before)
    contexts = [Context("deep", image.symbol("deep").address)]
    with Machine(image, GAP8, contexts=contexts) as machine:
        assert machine.run().exit_code == 60 * 61 // 2
    image = cluster_program("code = deep(DEPTH);", tmp_path, before="#define DEPTH 70\n" + before)
    with Machine(image, GAP8, contexts=contexts) as machine, pytest.raises(EmulationError, match="without end"):
        machine.run()


def test_deadlock_lists_who_waits_for_what(tmp_path: Path) -> None:
    body = "TEAM(3); if (core == 0) { MASK = 1u << 16; BARRIER(); } MASK = 1u << 3; WAIT();"
    image = cluster_program(body, tmp_path, cores=3)
    with Machine(image, GAP8) as machine, pytest.raises(EmulationError) as error:
        machine.run()
    text = str(error.value)
    assert "cluster core 0 at core_main" in text
    for part in (
        "core 0 waits for an event (mask 0x10000",
        "core 1 waits for an event (mask 0x8",
        "the controller waits",
    ):
        assert part in text
