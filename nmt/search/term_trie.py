"""The terms that translations must hold, as tries of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.search.terms import Term, TokenTraits, TriePlace

WIDEST_VOCABULARY = 1 << 32


class TermTries(NamedTuple):
    """The tries of B sentences with up to `C` terms each; their N nodes are numbered through.

    A sentence has one root for each `TriePlace`, with the alternatives that may stand there. Edges are sorted by their
    keys, node * `WIDEST_VOCABULARY` + token.
    """

    roots: Tensor  # (B, 4) int64
    edges: Tensor  # (E,) int64, keys, ascending
    children: Tensor  # (E,) int64, the nodes that edges lead to
    first_edge: Tensor  # (N,) int64
    degree: Tensor  # (N,) int64, number of edges
    gains: Tensor  # (N, C) int64, tokens of a term that are written for certain at a node; -1 if it leads not to it
    completed: Tensor  # (N, J) int64, terms that a node completes, if it ends a word, the longest first; -1 for none
    passed: Tensor  # (N, J) int64, the same if the next token continues the word
    times: Tensor  # (B, C) int64, that each term must be there; 0 for none
    lengths: Tensor  # (B, C) int64, tokens of each term's shortest alternative

    @classmethod
    def from_terms(cls, terms: Sequence[Sequence[Term]], traits: NDArray[np.int64], device: torch.device) -> TermTries:
        """Makes the tries of the terms of each sentence, of which at least one has some.

        `traits` (B, V) are the `TokenTraits` of the vocabulary of each sentence.
        """
        builder = _TrieBuilder(max(map(len, terms)))
        roots = [builder.add(*of_sentence) for of_sentence in zip(terms, traits, strict=True)]
        return builder.tries(roots, terms, device)


class _TrieNode(NamedTuple):
    """A node of a trie; the fields are those of `TermTries`, but for the terms that end here."""

    edges: dict[int, int]
    gains: dict[int, int]
    ends: list[int]
    passed: list[int]


class _TrieBuilder:
    """The nodes of all tries, as they grow."""

    def __init__(self, most_terms: int) -> None:
        self._most_terms = most_terms
        self._nodes: list[_TrieNode] = []

    def add(self, terms: Sequence[Term], traits: NDArray[np.int64]) -> list[int]:
        """Adds the tries of a sentence; returns their roots."""
        # Where alternatives of several terms are equal, they count for the term that has none shorter, or fewer others.
        order = sorted(range(len(terms)), key=lambda number: (-terms[number].shortest, len(terms[number].alternatives)))
        roots = []
        for place in range(TriePlace.AFTER_OPENING | TriePlace.SENTENCE_START, -1, -1):
            root = self._new_node()
            for number in order:
                for tokens, bound in terms[number].alternatives:
                    if bound & place == bound:
                        self._insert(root, tokens, number, terms[number].shortest)
            self._pass_down(root, traits)
            roots.append(root)
        return roots[::-1]

    def _new_node(self) -> int:
        self._nodes.append(_TrieNode({}, {}, [], []))
        return len(self._nodes) - 1

    def _insert(self, root: int, tokens: Sequence[int], number: int, shortest: int) -> None:
        node = root
        for left, token in zip(range(len(tokens) - 1, -1, -1), tokens, strict=True):
            edges = self._nodes[node].edges
            if token not in edges:
                edges[token] = self._new_node()
            node = edges[token]
            gains = self._nodes[node].gains
            gains[number] = max(gains.get(number, 0), shortest - left)
        if number not in self._nodes[node].ends:
            self._nodes[node].ends.append(number)

    def _pass_down(self, root: int, traits: NDArray[np.int64]) -> None:
        """Fills in for each node the terms that its ancestors complete at the end of a word, the longest first."""
        waiting = [root]
        while waiting:
            node = self._nodes[waiting.pop()]
            for token, child in node.edges.items():
                ends = node.ends if node.ends and not traits[token] & TokenTraits.CONTINUES else []
                if ends or node.passed:
                    self._nodes[child].passed.extend(dict.fromkeys([*ends, *node.passed]))
                waiting.append(child)

    def tries(self, roots: list[list[int]], terms: Sequence[Sequence[Term]], device: torch.device) -> TermTries:
        """Makes the arrays."""
        nodes = self._nodes
        tokens, children = (
            np.fromiter(chain.from_iterable(of_nodes), np.int64)
            for of_nodes in ((node.edges for node in nodes), (node.edges.values() for node in nodes))
        )
        degrees = np.array([len(node.edges) for node in nodes])
        keys = np.repeat(np.arange(len(nodes)), degrees) * WIDEST_VOCABULARY + tokens
        order = np.argsort(keys)
        gains = np.full((len(nodes), self._most_terms), -1)
        for number, node in enumerate(nodes):
            gains[number, list(node.gains)] = list(node.gains.values())
        arrays: list[NDArray[np.int64]] = [
            np.array(roots),
            keys[order],
            children[order],
            np.concatenate([[0], np.cumsum(degrees)[:-1]]),
            degrees,
            gains,
            _rows([list(dict.fromkeys([*node.ends, *node.passed])) for node in nodes], -1),
            _rows([node.passed for node in nodes], -1),
            _rows([[term.times for term in of_sentence] for of_sentence in terms], 0),
            _rows([[term.shortest for term in of_sentence] for of_sentence in terms], 0),
        ]
        return TermTries(*(torch.from_numpy(np.ascontiguousarray(array, np.int64)).to(device) for array in arrays))


def _rows(values: Sequence[Sequence[int]], fill: int) -> NDArray[np.int64]:
    """Pads rows to the longest of them, and at least one."""
    width = max(1, max(map(len, values)))
    return np.array([[*row, *[fill] * (width - len(row))] for row in values])
