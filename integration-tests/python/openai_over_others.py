"""The official `openai` package as a client of a gateway whose providers speak other protocols:
`openai_over_others.py BASE_URL`.

Expects groups `claude` over a provider that speaks Anthropic's protocol, `compatible` over one that knows nothing of
OpenAI's but Chat Completions, `native` over one that serves Responses itself, `structured` whose provider answers
`{"city": "Paris", "celsius": 21}`, and `broken`, `limited` and `refused`, whose only provider does so in Anthropic's
words.
"""

import sys

import openai
import pydantic

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="kt_gk_client-secret", max_retries=0)
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
parameters = {"type": "object", "properties": {}}
tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}


class Weather(pydantic.BaseModel):
    city: str
    celsius: int


def raises(expected, call):
    try:
        call()
    except openai.APIStatusError as error:
        assert isinstance(error, expected), f"{type(error).__name__} instead of {expected.__name__}: {error}"
        return error
    raise AssertionError(f"nothing raised, expected {expected.__name__}")


def chat(model, **more):
    return client.chat.completions.create(**{"model": model, "messages": messages, **more})


answer = chat("claude", temperature=1.7, stop=["END"])
assert "[simulated]" in answer.choices[0].message.content, answer
assert answer.choices[0].finish_reason == "stop" and answer.object == "chat.completion", answer
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0, answer
assert answer.keeptrusts_metadata["model_group"] == "claude", answer

chunks = list(chat("claude", stream=True, stream_options={"include_usage": True}))
assert "[simulated]" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices, chunks[-1]
assert len({chunk.id for chunk in chunks}) == 1, chunks
assert not any(chunk.usage for chunk in chat("claude", stream=True)), "usage that nobody asked for"

called = chat("claude", tools=[tool], tool_choice="required").choices[0]
assert called.finish_reason == "tool_calls", called
call = called.message.tool_calls[0]
assert call.function.name == "look_up" and call.function.arguments == "{}", call
history = [*messages, called.message, {"role": "tool", "tool_call_id": call.id, "content": "42"}]
followed = chat("claude", messages=[*history, {"role": "user", "content": "And now?"}], tools=[tool])
assert "And now?" in followed.choices[0].message.content, followed
with client.chat.completions.stream(model="claude", messages=messages, tools=[tool], tool_choice="required") as stream:
    streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
assert streamed.function.name == "look_up", streamed

parsed = client.chat.completions.parse(model="structured", messages=messages, response_format=Weather)
assert parsed.choices[0].message.parsed == Weather(city="Paris", celsius=21), parsed

for model in ["claude", "compatible", "native"]:
    response = client.responses.create(model=model, instructions="Be brief.", input="Hello")
    assert response.status == "completed" and "[simulated]" in response.output_text, response
    assert response.usage.total_tokens > 0, response
    with client.responses.stream(model=model, input="Hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    assert "[simulated]" in final.output_text, final
for model in ["claude", "compatible"]:
    function = {"type": "function", "name": "look_up", "parameters": parameters, "strict": False}
    asked = client.responses.create(model=model, input="Hello", tools=[function], tool_choice="required")
    call = next(item for item in asked.output if item.type == "function_call")
    assert call.name == "look_up" and call.arguments == "{}", call
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "42"}
    history = [{"role": "user", "content": "Hello"}, *asked.output, result, {"role": "user", "content": "And now?"}]
    assert "And now?" in client.responses.create(model=model, input=history, tools=[function]).output_text
structured = client.responses.parse(model="structured", input="Hello", text_format=Weather)
assert structured.output_parsed == Weather(city="Paris", celsius=21), structured

# Anthropic has no embeddings, and knows only one answer to a request.
raises(openai.BadRequestError, lambda: client.embeddings.create(model="claude", input="a"))
raises(openai.BadRequestError, lambda: chat("claude", n=2))
for ask in [chat, lambda model: list(chat(model, stream=True)), lambda model: client.responses.create(model=model, input="x")]:
    assert "Overloaded" in str(raises(openai.InternalServerError, lambda: ask("broken")))
    limited = raises(openai.RateLimitError, lambda: ask("limited"))
    assert float(limited.response.headers["retry-after"]) >= 0, limited.response.headers
    assert "wrong" in str(raises(openai.BadRequestError, lambda: ask("refused")))

print("openai", openai.__version__, "is served as by OpenAI, over other protocols")
