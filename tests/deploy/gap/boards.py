"""Boards with less memory than the real ones, so that small networks have to be cut."""

from __future__ import annotations

from dataclasses import replace

from deploy.boards import Board, load_board
from deploy.gap.plan import l1_budget


def with_l1(budget: int, name: str = "gap8") -> Board:
    """The board with so many bytes of L1 for tensors and tiles."""
    board = load_board(name)
    assert board.cluster is not None
    l1 = replace(board.cluster.l1, bytes=board.cluster.l1.bytes - l1_budget(board.cluster) + budget)
    return replace(board, cluster=replace(board.cluster, l1=l1))
