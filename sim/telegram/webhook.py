"""Delivery of updates to the bot's webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson

from sim.telegram.world import World

RETRY_SECONDS = 0.5
_TIMEOUT = aiohttp.ClientTimeout(total=60)


async def deliver(world: World, call: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> None:
    """Post every update to the webhook in force, in order, until cancelled; one refused is tried again.

    `call` runs the method a webhook may put in its answer.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            update = await world.updates.for_webhook()
            try:
                answer = await _post(session, world, update)
            except (aiohttp.ClientError, TimeoutError) as error:
                world.updates.webhook_error = (world.seconds(), str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            world.updates.confirm_first(update)
            if "method" in answer:
                await call(str(answer.pop("method")), answer)


async def _post(session: aiohttp.ClientSession, world: World, update: dict[str, Any]) -> dict[str, Any]:
    secret = world.updates.webhook_secret
    headers = {"Content-Type": "application/json"} | ({"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {})
    async with session.post(world.updates.webhook_url, data=orjson.dumps(update), headers=headers) as response:
        if response.status // 100 != 2:
            message = f"Wrong response from the webhook: {response.status} {response.reason}"
            raise aiohttp.ClientError(message)
        try:
            answer = orjson.loads(await response.read() or b"{}")
        except orjson.JSONDecodeError:
            return {}
        return answer if isinstance(answer, dict) else {}
