"""What a simulated model thinks of a prompt: a lean from its facts, odds, targets, and Korean sentences.

The same model and prompt give the same opinion; another model weighs the same facts otherwise.
Sentences refer to facts as `[f3]` and hold no digit of their own.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from random import Random

from sim.llm.claims import Claim, claims_of, mentioned_in, risks_of, turning_points_of
from sim.llm.prompt import Fact, Prompt
from sim.ticks import on_tick

TRENDS = ("수익률", "등락률", "차이")
"""Labels of percentages whose sign says which way a price goes."""

RISKS = (
    "시장 전체의 변동성이 커지면 개별 종목의 흐름과 무관하게 주가가 흔들릴 수 있습니다.",
    "거래가 얇아지면 작은 매물에도 가격이 크게 움직일 수 있습니다.",
    "환율과 금리의 방향이 바뀌면 지금의 판단이 약해질 수 있습니다.",
)
CHANGES = (
    "거래량이 늘면서 흐름이 반대로 돌아서면 판단을 바꾸겠습니다.",
    "이동평균선을 사이에 두고 방향이 뒤집히면 판단을 다시 하겠습니다.",
)
PLAIN = (
    "뚜렷한 방향을 말하기에는 자료가 부족합니다.",
    "수급과 실적을 함께 지켜볼 필요가 있습니다.",
    "단기 흐름은 아직 정해지지 않았습니다.",
)


class Opinion:
    """One model's reading of one prompt."""

    def __init__(self, model: str, prompt: Prompt) -> None:
        self.prompt = prompt
        self._model = model
        facts = "|".join(f"{fact.label}={fact.text}" for fact in prompt.facts) or prompt.text
        self._digest = hashlib.sha256(f"{model}\n{facts}".encode()).hexdigest()

    def random(self, *about: object) -> Random:
        """Chance that is the same for the same model, prompt and subject."""
        return Random(f"{self._digest}{about}")

    @cached_property
    def lean(self) -> float:
        """From -1 (down) to 1 (up)."""
        trends = [self._weight(fact.label) * math.tanh((fact.value or 0) / 6) for fact in self._trends]
        after = [article.after_percent for article in self.prompt.articles if article.after_percent is not None]
        heard = sum(after) / len(after) / 10 if after else 0.0
        mean = sum(trends) / len(trends) if trends else 0.0
        return math.tanh(mean + heard + self.random("mood").gauss(0, 0.25))

    @property
    def _trends(self) -> list[Fact]:
        return [fact for fact in self.prompt.facts if any(word in fact.label for word in TRENDS)]

    def _weight(self, label: str) -> float:
        """How this model weighs a kind of fact: most follow trends, some go against them."""
        return Random(f"{self._model} {label}").uniform(-0.3, 1.2)

    def odds(self, sessions: int = 1) -> tuple[float, float, float]:
        """Up, flat and down over that many sessions, to two places; they sum to one."""
        flat = 0.34 / (1 + 0.02 * sessions) + self.random("flat", sessions).uniform(-0.03, 0.03)
        up = (1 - flat) * (0.5 + 0.2 * self.lean + self.random("up", sessions).uniform(-0.03, 0.03))
        flat, up = round(flat, 2), round(up, 2)
        return up, flat, round(1 - up - flat, 2)

    def direction(self, sessions: int = 1) -> str:
        """The likeliest of up, flat and down."""
        up, flat, down = self.odds(sessions)
        return max((up, "up"), (down, "down"), (flat, "flat"))[1]

    @property
    def confidence(self) -> float:
        """In [0, 1]."""
        return round(0.3 + 0.5 * abs(self.lean), 2)

    def target(self, sessions: int) -> int | None:
        """A price that fits the lean, in won on the price step; None without a price in the prompt."""
        price = self.prompt.price()
        return None if price is None else on_tick(price * (1 + 0.02 * self.lean * math.sqrt(sessions)))

    def sentence(self, role: str, place: int = 0) -> str:
        """A sentence for a field called like `role`: a reason, a risk, a counter-case, a change of view, a verdict."""
        if "risk" in role or "위험" in role:
            return self._one_of([*risks_of(self.prompt.facts), *RISKS], place)
        if "change" in role or "invalid" in role:
            return self._one_of([*turning_points_of(self.prompt.facts, rising=self.lean >= 0), *CHANGES], place)
        if any(word in role for word in ("verdict", "summary", "headline", "title", "요약")):
            return f"{self._tone()} 쪽에 조금 더 무게를 둡니다."
        fitting = [claim.text for claim in self._claims if claim.tone * self.lean > 0]
        contrary = [claim.text for claim in self._claims if claim.tone * self.lean <= 0]
        if "counter" in role or "반대" in role:
            return self._one_of(contrary or RISKS, place)
        reasons = fitting + [f"다만 {text}" for text in contrary]
        return reasons[place] if place < len(reasons) else self._plain(place)

    @cached_property
    def _claims(self) -> list[Claim]:
        """The claims this model finds weightiest first."""
        claims = claims_of(self.prompt.facts)
        return sorted(claims, key=lambda claim: -abs(claim.tone) * abs(self._weight(claim.text[:6])))

    def _plain(self, place: int) -> str:
        start = self.random("plain").randrange(len(PLAIN))
        return PLAIN[(start + place) % len(PLAIN)]

    def _one_of(self, sentences: Sequence[str], place: int) -> str:
        return sentences[place % len(sentences)]

    def _tone(self) -> str:
        return "상승" if self.lean > 0.05 else "하락" if self.lean < -0.05 else "보합"

    def references(self, mentioned: Sequence[str], *, kind: str = "") -> list[str]:
        """Ids to rest a statement on: those it mentions, then the nearest article; `kind` narrows to one sort."""
        strongest = [id_ for claim in self._claims[:2] for id_ in mentioned_in(claim.text)]
        facts = list(dict.fromkeys(mentioned)) or strongest
        articles = [article.id for article in self.prompt.articles]
        if articles:
            articles = [articles[self.random("article", *facts).randrange(len(articles))]]
        if "article" in kind or "news" in kind:
            return articles
        return facts if "fact" in kind else facts + articles
