"""The official `anthropic` package as a client of a gateway: `anthropic_client.py BASE_URL`.

Expects groups `over-openai` and `over-anthropic` that serve over providers of these protocols, `chain` whose first
provider fails, and for each of the two protocols `broken-…`, `limited-…` and `refused-…`, whose only provider does so.
"""

import sys

import anthropic
from anthropic import _exceptions as more_exceptions

# Some versions have classes of their own for 503 and 529, which are not always kinds of InternalServerError.
UNAVAILABLE = (anthropic.InternalServerError, more_exceptions.ServiceUnavailableError, more_exceptions.OverloadedError)

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="kt_gk_client-secret", max_retries=0)
question = [{"role": "user", "content": "Hello"}]
tool = {"name": "look_up", "description": "Looks up.", "input_schema": {"type": "object", "properties": {}}}


def ask(model, messages=question, **more):
    return client.messages.create(model=model, max_tokens=100, messages=messages, **more)


def raises(expected, model, status):
    """Raises what the provider's own API would raise."""
    try:
        ask(model)
    except anthropic.APIStatusError as error:
        assert isinstance(error, expected), f"{model}: {type(error).__name__} instead of {expected}: {error}"
        assert error.status_code == status, f"{model}: {error.status_code}"
        assert error.body["type"] == "error" and error.body["error"]["message"], error.body
        return error
    raise AssertionError(f"{model}: nothing raised, expected {expected}")


for model in ["over-openai", "over-anthropic", "chain"]:
    answer = ask(model, system="Be brief.", stop_sequences=["END"])
    assert answer.type == "message" and answer.role == "assistant", answer
    assert "[simulated]" in answer.content[0].text, answer
    assert answer.stop_reason == "end_turn", answer
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0, answer

    with client.messages.stream(model=model, max_tokens=100, messages=question) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert "[simulated]" in text and final.content[0].text == text, final
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0, final
    events = list(ask(model, stream=True))
    assert events[0].type == "message_start" and events[-1].type == "message_stop", events

    called = ask(model, tools=[tool], tool_choice={"type": "any"})
    call = called.content[-1]
    assert call.type == "tool_use" and call.name == "look_up" and call.input == {}, called
    assert called.stop_reason == "tool_use", called
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "42"}
    history = [
        *question,
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in called.content]},
        {"role": "user", "content": [result, {"type": "text", "text": "And now?"}]},
    ]
    assert "And now?" in ask(model, history, tools=[tool]).content[0].text
    with client.messages.stream(
        model=model, max_tokens=100, messages=question, tools=[tool], tool_choice={"type": "tool", "name": "look_up"}
    ) as stream:
        call = stream.get_final_message().content[-1]
    assert call.type == "tool_use" and call.name == "look_up" and call.input == {}, call

for protocol, overload in [("openai", 503), ("anthropic", 529)]:
    raises(UNAVAILABLE, f"broken-{protocol}", overload)
    limited = raises(anthropic.RateLimitError, f"limited-{protocol}", 429)
    assert float(limited.response.headers["retry-after"]) >= 0, limited.response.headers
    assert "wrong" in str(raises(anthropic.BadRequestError, f"refused-{protocol}", 400))
    try:
        list(ask(f"broken-{protocol}", stream=True))
        raise AssertionError("a stream that never began raised nothing")
    except UNAVAILABLE as error:
        assert error.status_code == overload, error

raises(anthropic.NotFoundError, "nobody", 404)
assert client.messages.count_tokens(model="over-anthropic", messages=question).input_tokens > 0

print("anthropic", anthropic.__version__, "is served as by Anthropic")
