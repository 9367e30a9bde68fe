"""The official `openai` package as a client of a gateway: `openai_client.py BASE_URL`.

Expects a group `chain` that serves, `broken` whose providers fail, `limited` whose providers are rate limited, and
`refused` whose provider says that the request is wrong.
"""

import sys

import openai

base_url = sys.argv[1] + "/v1"
client = openai.OpenAI(base_url=base_url, api_key="kt_gk_client-secret", max_retries=0)
messages = [{"role": "user", "content": "Hello"}]


def raises(expected, model, **more):
    """The class that the package raises for this model, checked to be the usual one."""
    try:
        client.chat.completions.create(model=model, messages=messages, **more)
    except openai.APIStatusError as error:
        assert type(error) is expected, f"{model}: {type(error).__name__} instead of {expected.__name__}: {error}"
        return error
    raise AssertionError(f"{model}: nothing raised, expected {expected.__name__}")


answer = client.chat.completions.create(model="chain", messages=messages)
assert "[simulated]" in answer.choices[0].message.content, answer
assert answer.usage.total_tokens > 0
assert answer.keeptrusts_metadata["model_group"] == "chain"

chunks = list(
    client.chat.completions.create(model="chain", messages=messages, stream=True, stream_options={"include_usage": True})
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert "[simulated]" in text, text
assert chunks[-1].usage.total_tokens > 0, chunks[-1]

tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
called = client.chat.completions.create(model="chain", messages=messages, tools=[tool], tool_choice="required")
assert called.choices[0].message.tool_calls[0].function.name == "look_up", called

assert "chain" in [model.id for model in client.models.list()]
assert client.models.retrieve("chain").id == "chain"
vectors = client.embeddings.create(model="chain", input=["a", "b"], encoding_format="float")
assert len(vectors.data) == 2, vectors

assert raises(openai.NotFoundError, "nobody").code == "model_not_found"
assert raises(openai.InternalServerError, "broken").status_code == 500
assert raises(openai.RateLimitError, "limited").status_code == 429
assert raises(openai.BadRequestError, "refused").status_code == 400
raises(openai.BadRequestError, "")

print("openai", openai.__version__, "is served as by OpenAI")
