"""Stock, for the sake of the syntax."""
from __future__ import annotations

import asyncio as aio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Item:
    key: int | str
    tags: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.key!r:>{10}} of {len(self.tags)} {'x' if self.tags else ''}"


Pair = tuple[int, int]
LIMIT, *REST = (1_000, 0x1F, 1.5e-3, 2j)


def walk(items: Iterator[Item], /, *, at: int = 0, **more: object) -> dict[str, int]:
    global LIMIT
    seen: dict[str, int] = {}

    def inner(step=1):
        nonlocal at
        at += step
        return lambda x, *y: x + at if y else -x

    for index, item in enumerate(items):
        if item is None or not item.tags and index != 0:
            continue
        elif (count := len(item.tags)) > 3:
            break
        else:
            seen[item.name] = count
    else:
        LIMIT = inner()(2)
    while at < 10:
        at += 1
        try:
            assert at != 5, "five"
            del seen["x"]
        except (KeyError, ValueError) as error:
            raise RuntimeError("none") from error
        except AssertionError:
            pass
        finally:
            seen |= {k: v for k, v in more.items() if isinstance(v, int)}
    return seen


def match_it(value):
    match value:
        case [1, 2, *rest] if rest:
            return rest[::2][-1:]
        case {"a": str(text), **others}:
            yield text, others
        case Item(key=0 | 1) as item:
            yield from (x for x in item.tags)
        case _:
            return None


async def later(*calls: Callable[[], int]) -> list[int]:
    async with aio.timeout(1) as scope, aio.Lock():
        return [await call async for call in gather(scope) if call]


print(r"raw\d", b"bytes", """three
lines""", sep="", end="\n")
