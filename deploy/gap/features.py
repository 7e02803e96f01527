"""The float front end on a cluster: one step whose kernel gives every core its bands."""

from __future__ import annotations

from deploy import features
from deploy.boards import Board
from deploy.gap.plan import l1_budget
from quant.errors import Problem, UserError
from quant.front_end import FrontEnd

ALIGNMENT = 8


def l1_bytes(front: FrontEnd, board: Board) -> int:
    """Bytes of the L1 arena while features are computed: the window, and scratch memory of every core.

    Raises:
        UserError: more than there are.
    """
    assert board.cluster is not None
    needed = _scratch_at(front) + board.cluster.cores * features.scratch_bytes(front)
    there = l1_budget(board.cluster)
    if needed > there:
        what = f"the front end needs {needed} bytes of L1, {needed - there} more than there are"
        raise UserError(Problem(what, f"board '{board.name}'", f"{there} bytes", "take shorter windows"))
    return needed


def _scratch_at(front: FrontEnd) -> int:
    return -(-features.sample_bytes(front) // ALIGNMENT) * ALIGNMENT


def source(front: FrontEnd, prefix: str, heading: str, board: Board) -> str:
    """``features.c``; compile it with -ffp-contract=off."""
    heading_lines = [heading, f"#define EK_CHANNELS {front.channels}", "", '#include "ek_cluster.h"']
    lines = [*heading_lines, f'#include "{features.HEADER}"', "", f"{features.prototype(prefix)};"]
    lines += [f"void {prefix}_front_end(const ek_step *step);", "", *features.tables(front)]
    return (
        "\n".join(lines)
        + f"""
/* Every core takes each of its bands from the first filter to the last feature. */
__attribute__((noinline)) static void call_features(const void *shared_copy, ek_team team, const ek_operands *o) {{
    ek_scratch *scratch = (ek_scratch *)o->scratch + team.core;

    for (int32_t band = team.core; band < {front.bands}; band += team.cores) {{
        ek_features_band(shared_copy, &bands[band], o->x[0], scratch, (int16_t *)o->y + band * EK_TRIANGLE);
    }}
}}

__attribute__((noinline)) void {prefix}_front_end(const ek_step *step) {{ ek_step_run(step); }}

{features.prototype(prefix)} {{
    static struct {{
        ek_step step;
        ek_transfer transfers[1];
    }} record; /* not on the stack: the cores read it from L2 */

    record.step = (ek_step){{.layer = {prefix}_front_end, .kernel = call_features, .geometry = &shared,
                            .geometry_bytes = sizeof shared, .bytes = sizeof record, .earlies = 1,
                            .operands = {{.y = features, .scratch = (void *){_scratch_at(front)}}}}};
    record.transfers[0] = (ek_transfer){{.l2 = (uint8_t *)(uintptr_t)samples, .length = {features.sample_bytes(front)},
                                        .lines = 1, .planes = 1}};
    ek_cluster_run(&record.step, {l1_bytes(front, board)}, ek_cores);
}}
"""
    )
