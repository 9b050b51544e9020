"""Token counts as a bill would show them: one a Korean character, one for four of the others, and cached prefixes."""

from __future__ import annotations

from collections import deque
from os.path import commonprefix

LEAST_CACHED, CACHED_STEP = 1_024, 128


def tokens_in(text: str) -> int:
    """An estimate of the tokens of `text`."""
    wide = sum(char > "\x7f" for char in text)
    return wide + -(-(len(text) - wide) // 4)


class PrefixCache:
    """Remembers recent prompts by model; a prefix of 1,024 tokens or more that was seen before is cached."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[str]] = {}

    def cached(self, model: str, prompt: str) -> int:
        """Tokens of `prompt` that were cached, in steps of 128; remembers the prompt."""
        seen = self._seen.setdefault(model, deque(maxlen=16))
        # Letter by letter is what is wanted here.
        longest = max((tokens_in(commonprefix([prompt, other])) for other in seen), default=0)  # noqa: RUF071
        seen.append(prompt)
        return longest // CACHED_STEP * CACHED_STEP if longest >= LEAST_CACHED else 0
