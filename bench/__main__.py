"""python -m bench [name …]: run the benchmarks, all of them by default, each in a process of its own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path


def names() -> list[str]:
    """Every benchmark: a module here with a `main()`."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if "def main(" in path.read_text())


def main(asked: list[str]) -> int:
    """Run one in this process, several one after the other in their own."""
    unknown = set(asked) - set(names())
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    if len(asked) == 1:
        importlib.import_module(f"bench.{asked[0]}").main()
        return 0
    return max(subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in names())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
