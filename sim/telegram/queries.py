"""Bot API methods that answer pressed buttons and inline queries."""

from __future__ import annotations

from sim.telegram.errors import ApiError, bad_request
from sim.telegram.keyboards import inline_rows
from sim.telegram.params import Params
from sim.telegram.sending import text_of
from sim.telegram.world import World

QUERY_SECONDS = 60
"""How long a query can be answered. Telegram publishes no figure; people report from 15 seconds to some minutes."""

ANSWER_LIMIT = 200
RESULT_LIMIT = 50


def _too_old() -> ApiError:
    return bad_request("query is too old and response timeout expired or query ID is invalid")


def answer_callback(world: World, params: Params) -> bool:
    """answerCallbackQuery."""
    click = world.clicks.get(params.text("callback_query_id"))
    if click is None or click.answered or world.seconds() - click.asked > QUERY_SECONDS:
        raise _too_old()
    text = params.text("text")
    if len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    click.answered, click.text = True, text
    click.alert, click.url = params.flag("show_alert"), params.text("url")
    world.next_mark()
    world.tell("callback", click.chat, click, by_bot=True)
    return True


def answer_inline(world: World, params: Params) -> bool:
    """answerInlineQuery: every result's text is checked as if it were sent."""
    question = world.questions.get(params.text("inline_query_id"))
    if question is None or question.answered or world.seconds() - question.asked > QUERY_SECONDS:
        raise _too_old()
    results = params.objects("results")
    if len(results) > RESULT_LIMIT:
        raise bad_request("RESULTS_TOO_MUCH")
    ids = [str(result.get("id", "")) for result in results]
    if len(set(ids)) < len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    for result in results:
        if not 1 <= len(str(result.get("id", "")).encode()) <= 64:
            raise bad_request("RESULT_ID_INVALID")
        inline_rows(Params(result).object("reply_markup"))
        if content := Params(result).object("input_message_content"):
            text_of(Params(_as_sent(content)))
    question.answered, question.results = True, results
    question.options = {name: params.values[name] for name in ("cache_time", "next_offset") if name in params.values}
    world.next_mark()
    world.tell("inline", world.chats.get(question.sender.id), question, by_bot=True)
    return True


def _as_sent(content: dict[str, object]) -> dict[str, object]:
    return {"text": content.get("message_text", "")} | {
        name: content[name] for name in ("parse_mode", "entities") if name in content
    }
