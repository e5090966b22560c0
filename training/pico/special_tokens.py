"""The special tokens of the family's tokenizer and their ids."""

from __future__ import annotations

SPECIAL = (
    "<pad>",
    "<s>",
    "</s>",
    "<caption>",
    "<question>",
    "<answer>",
    *(f"<reserved_{i}>" for i in range(10)),
)
"""Ids 0 to 15. The decoder calls the first of the reserved ones ``<detailed>``."""

PAD, BEGIN, END, CAPTION, QUESTION, ANSWER, DETAILED = range(7)
