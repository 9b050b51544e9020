"""What may be glued to a Korean name and leave it that name: particles, copulas, and a few suffixes."""

from __future__ import annotations

_CASE = (
    "은 는 이 가 을 를 의 에 와 과 로 으로 도 만 랑 이랑 하고 께 께서 에서 에게 에게서 한테 서 부터 까지 "
    "보다 처럼 같은 마저 조차 밖에 뿐 이나 나 든 이든 든지 라도 이라도 마다 대로 만큼 에만 로서 으로서 로써 으로써 "
    "에선 에겐 엔 야 이야 요"
)
_HEAD = "에 에서 에게 께서 한테 로 으로 로서 으로서 와 과 까지 부터 만 보다 처럼 마다 만큼 밖에 뿐 하고 대로 조차 마저"
_TAIL = "는 은 도 만 의 이 가 을 를 서 서는 서도 부터 까지 나 라도 이라도 조차 마저 뿐 과 와 에 로 으로"
_COPULA = (
    "다 이다 인 이며 며 이고 고 였다 이었다 인데 이자 자 라 이라 라는 이라는 라고 이라고 라며 이라며 란 이란 "
    "인지 이지만 지만 일까 이냐 냐 이니 이라면 라면 였던 이었던 입니다 이에요 예요"
)
_SUFFIX = "측 側 주 株 발 發 등 들 제 製 표 향 向 판 版 노조 주가 주식 주주 본사 본점 회장 대표 사장 직원 임직원"


def _particles() -> frozenset[str]:
    chained = {head + tail for head in _HEAD.split() for tail in _TAIL.split()}
    return frozenset({*_CASE.split(), *_COPULA.split(), *chained})


PARTICLES = _particles()
"""Particles, alone or two in a row (에서는), and forms of 이다. Not empty, no whitespace."""

ENDINGS = PARTICLES | {suffix + tail for suffix in _SUFFIX.split() for tail in ("", *PARTICLES)}
"""Everything that may follow a name in the same word: particles, suffixes (측, 株), and a suffix with a particle."""
