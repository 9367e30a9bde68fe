// The filter module that ships, without Envoy: a request, a failover, a stream, a stream that falls silent, and a trap.
//
//   node --test filter/profile/module.test.mjs      with the module in KEEPTRUSTS_FILTER_WASM

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Proxy, headers, pairs } from "./proxy.mjs";

const module = readFileSync(process.env.KEEPTRUSTS_FILTER_WASM);
const ROOT = { gateway: 1, target: 2 };
const MAP = { request: 0, response: 2 };
const RETRIED = "503";
const POLICY = `
providers:
  targets:
    - {id: first, provider: {base_url: 'http://127.0.0.1:1/v1', type: openai-compatible, secret_key_ref: {env: A}}, stream_idle_timeout_ms: 300}
    - {id: second, provider: {base_url: 'http://127.0.0.1:2', type: anthropic, secret_key_ref: {env: B}}}
model_groups:
  - {name: chain, models: [{provider: first, model: one}, {provider: second, model: two}]}
`;

const encoder = new TextEncoder(), decoder = new TextDecoder();
const bytes = (value) => encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
const text = (pieces) => pieces.map((piece) => decoder.decode(piece)).join("");

const CHUNK = bytes(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] })}\n\n`);
const DONE = bytes("data: [DONE]\n\n");

/** One client request in a VM of its own, and the attempts made for it. */
class Request {
  static async of(body) {
    const request = new Request();
    request.proxy = await Proxy.of(module);
    request.proxy.configure(ROOT.gateway, { role: "gateway", runtime: { gateway_id: "test", config_version: "1" }, policy: POLICY });
    request.proxy.configure(ROOT.target, { role: "target" });
    request.next = 10;
    request.enter(body);
    return request;
  }

  enter(body) {
    const { proxy } = this;
    this.gateway = this.next++;
    this.body = bytes(body);
    proxy.beginStream(headers([
      [":authority", "gateway"], [":path", "/v1/chat/completions"], [":method", "POST"], [":scheme", "http"],
      ["content-type", "application/json"], ["content-length", String(this.body.length)],
    ]), this.body);
    proxy.on("context_create", this.gateway, ROOT.gateway);
    proxy.on("request_headers", this.gateway, 6, 0);
    proxy.on("request_body", this.gateway, this.body.length, 1);
    this.left = proxy.requestBody;
  }

  /** The next attempt: what its provider is sent. */
  attempt() {
    const { proxy } = this;
    this.target = this.next++;
    proxy.buffers.set(0, this.left);
    proxy.on("context_create", this.target, ROOT.target);
    proxy.on("request_headers", this.target, 10, 0);
    proxy.on("request_body", this.target, proxy.requestBody.length, 1);
    return { headers: new Map(pairs(proxy.maps.get(MAP.request))), body: JSON.parse(decoder.decode(proxy.requestBody)) };
  }

  /** The provider answers with these pieces: the head that goes on, and what follows it. */
  answer(status, type, pieces, ends = true) {
    const { proxy } = this;
    proxy.setResponseHeaders(headers([[":status", String(status)], ["content-type", type]]));
    proxy.on("response_headers", this.target, 2, 0);
    const sent = pieces.map((piece) => proxy.deliver(this.target, ROOT.gateway, piece, 0));
    if (ends) {
      sent.push(proxy.deliver(this.target, ROOT.gateway, new Uint8Array(), 1));
      proxy.on("done", this.target);
    }
    return { headers: new Map(pairs(proxy.maps.get(MAP.response))), body: text(sent) };
  }
}

const CHAT = { model: "chain", messages: [{ role: "user", content: "Hi" }] };

test("a request is written for its provider, and the answer says who served", async () => {
  const request = await Request.of(CHAT);
  const asked = request.attempt();
  assert.equal(asked.headers.get(":authority"), "127.0.0.1:1");
  assert.equal(asked.body.model, "one");
  const answer = request.answer(200, "application/json", [bytes({ id: "x", choices: [{ index: 0, message: { role: "assistant", content: "Hello" } }] })]);
  assert.equal(answer.headers.get("x-keeptrusts-provider"), "first");
  assert.equal(JSON.parse(answer.body).keeptrusts_metadata.model, "one");
});

test("a failure goes to the next target, in its own protocol, and the client sees nothing of it", async () => {
  const request = await Request.of(CHAT);
  request.attempt();
  const failed = request.answer(500, "application/json", [bytes({ error: { message: "boom" } })]);
  assert.equal(failed.headers.get(":status"), RETRIED);
  const asked = request.attempt();
  assert.equal(asked.headers.get(":path"), "/v1/messages");
  assert.equal(asked.body.model, "two");
  const message = { id: "m", type: "message", role: "assistant", model: "two", stop_reason: "end_turn", content: [{ type: "text", text: "Hello" }], usage: { input_tokens: 3, output_tokens: 1 } };
  const answer = request.answer(200, "application/json", [bytes(message)]);
  const { choices, keeptrusts_metadata: told } = JSON.parse(answer.body);
  assert.equal(choices[0].message.content, "Hello");
  assert.deepEqual([told.provider, told.fallback_count, told.failover.reason], ["second", 1, "upstream_5xx"]);
});

test("a stream goes on piece by piece, as it came", async () => {
  const request = await Request.of({ ...CHAT, stream: true });
  request.attempt();
  const answer = request.answer(200, "text/event-stream", [CHUNK, CHUNK, DONE]);
  assert.equal(answer.headers.get("x-keeptrusts-provider"), "first");
  assert.equal(answer.body, text([CHUNK, CHUNK, DONE]));
});

test("a stream that falls silent ends with an error", async () => {
  const request = await Request.of({ ...CHAT, stream: true });
  request.attempt();
  assert.equal(request.answer(200, "text/event-stream", [CHUNK], false).body, text([CHUNK]));
  request.proxy.tick(ROOT.gateway);
  await new Promise((resolve) => setTimeout(resolve, 320));
  const last = decoder.decode(request.proxy.tick(ROOT.gateway));
  assert.match(last, /^data: \{"error":\{"message":"the provider sent no further event/);
  request.proxy.tick(ROOT.gateway);
  assert.ok(request.proxy.isReset);
});

test("what a trap takes with it is its own VM: the next one serves", async () => {
  // More memory than there is: the one thing that the module cannot refuse.
  const request = await Request.of(CHAT);
  assert.throws(() => request.proxy.on("memory_allocate", 0xffff_ffff), WebAssembly.RuntimeError);
  const next = await Request.of(CHAT);
  assert.equal(next.attempt().body.model, "one");
});
