// Where the time of a request goes inside the filter module, function by function, without Envoy around it.
//
//   make profile                          builds the module with its names and profiles every scenario
//   node --no-liftoff filter/profile/profile.mjs MODULE.wasm [SCENARIO] [REQUESTS]
//
// V8 compiles the module as Envoy's does (optimizing compiler only), so what a function costs here is what it costs
// there. Calls into the proxy cost something else there; they are counted, and their time is left out.

import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { Proxy, headers } from "./proxy.mjs";

const [module, only, requests = "20000"] = process.argv.slice(2);
if (!module) throw new Error("usage: profile.mjs MODULE.wasm [SCENARIO] [REQUESTS]");

const ROOT = { gateway: 1, target: 2 };
const FIRST_STREAM = 10;

const policy = `
providers:
  targets:
    - {id: first, provider: {base_url: 'http://127.0.0.1:1/v1', type: openai-compatible, secret_key_ref: {env: A}}}
    - {id: second, provider: {base_url: 'http://127.0.0.1:2/v1', type: openai-compatible, secret_key_ref: {env: B}}}
    - {id: claude, provider: {base_url: 'http://127.0.0.1:3', type: anthropic, secret_key_ref: {env: C}}}
model_groups:
  - {name: chain, models: [{provider: first, model: one}, {provider: second, model: two}]}
  - {name: claude, models: [{provider: claude, model: three}, {provider: second, model: two}]}
`;

const json = (value) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const chatAnswer = json({
  id: "chatcmpl-1", object: "chat.completion", created: 1700000000, model: "one",
  choices: [{ index: 0, message: { role: "assistant", content: "All work and no play." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 200, completion_tokens: 7, total_tokens: 207 },
});
const claudeAnswer = json({
  id: "msg_1", type: "message", role: "assistant", model: "three", stop_reason: "end_turn",
  content: [{ type: "text", text: "All work and no play." }], usage: { input_tokens: 200, output_tokens: 7 },
});
const chatEvent = json(`data: ${JSON.stringify({
  id: "chatcmpl-1", object: "chat.completion.chunk", created: 1700000000, model: "one",
  choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }],
})}\n\n`);
const chatEnd = json(`data: ${JSON.stringify({
  id: "chatcmpl-1", object: "chat.completion.chunk", created: 1700000000, model: "one",
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
})}\n\ndata: [DONE]\n\n`);
const claudeEvent = json(`event: content_block_delta\ndata: ${JSON.stringify({
  type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "word " },
})}\n\n`);
const claudeStart = json(`event: message_start\ndata: ${JSON.stringify({
  type: "message_start", message: { id: "msg_1", type: "message", role: "assistant", model: "three", content: [], usage: { input_tokens: 200, output_tokens: 1 } },
})}\n\nevent: content_block_start\ndata: ${JSON.stringify({
  type: "content_block_start", index: 0, content_block: { type: "text", text: "" },
})}\n\n`);

const claudeEnd = json(`event: message_delta\ndata: ${JSON.stringify({
  type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 50 },
})}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n`);

const tenTimes = (event) => json(new TextDecoder().decode(event).repeat(10));

const scenarios = {
  json: { model: "chain", events: false, answer: [chatAnswer] },
  "json, events on": { model: "chain", events: true, answer: [chatAnswer] },
  "json, 100 KB": { model: "chain", events: false, answer: [chatAnswer], contentBytes: 100_000 },
  "json to anthropic": { model: "claude", events: false, answer: [claudeAnswer] },
  stream: { model: "chain", events: false, stream: true, answer: [...Array(50).fill(chatEvent), chatEnd] },
  "stream, 10 events at once": { model: "chain", events: false, stream: true, answer: [...Array(50).fill(tenTimes(chatEvent)), chatEnd] },
  "stream from anthropic, 10 events at once": { model: "claude", events: false, stream: true, answer: [claudeStart, ...Array(50).fill(tenTimes(claudeEvent)), claudeEnd] },
  "stream from anthropic": { model: "claude", events: false, stream: true, answer: [claudeStart, ...Array(50).fill(claudeEvent), claudeEnd] },
};

async function prepare({ model, events, stream = false, answer, contentBytes = 1_000 }) {
  const proxy = await Proxy.of(readFileSync(module));
  const collector = events ? { collector_cluster: "kt/collector", collector_authority: "collector" } : {};
  proxy.configure(ROOT.gateway, { role: "gateway", runtime: { gateway_id: "profile", config_version: "1", ...collector }, policy });
  proxy.configure(ROOT.target, { role: "target" });
  const content = "All work and no play makes for a dull prompt. ".repeat(contentBytes / 46);
  const body = json({ model, messages: [{ role: "user", content }], ...(stream && { stream }) });
  const requestHeaders = headers([
    [":authority", "gateway"], [":path", "/v1/chat/completions"], [":method", "POST"], [":scheme", "http"],
    ["authorization", "Bearer sk-client"], ["content-type", "application/json"], ["user-agent", "profile"],
    ["content-length", String(body.length)], ["x-forwarded-proto", "http"], ["x-request-id", "5f2c8a1e-7f0e-4b6e-9d6f-0a1b2c3d4e5f"],
  ]);
  const length = answer.reduce((sum, piece) => sum + piece.length, 0);
  const responseHeaders = headers([
    [":status", "200"], ["content-type", stream ? "text/event-stream" : "application/json"],
    ...(stream ? [] : [["content-length", String(length)]]), ["x-request-id", "req_1"], ["date", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["x-envoy-upstream-service-time", "1"],
  ]);
  let stream_id = FIRST_STREAM;
  let served = 0;
  return {
    proxy,
    serve() {
      const gateway = stream_id++, target = stream_id++;
      proxy.beginStream(requestHeaders, body);
      proxy.on("context_create", gateway, ROOT.gateway);
      proxy.on("request_headers", gateway, 10, 0);
      proxy.on("request_body", gateway, body.length, 1);
      proxy.on("context_create", target, ROOT.target);
      proxy.on("request_headers", target, 10, 0);
      proxy.on("request_body", target, proxy.requestBody.length, 1);
      proxy.setResponseHeaders(responseHeaders);
      proxy.on("response_headers", target, 7, 0);
      let begun = false;
      const deliver = (piece, end) => {
        const sent = proxy.deliver(target, ROOT.gateway, piece, end);
        if (sent.length === 0 && !end) return;
        if (!begun) proxy.on("response_headers", gateway, 7, 0);
        begun = true;
        proxy.on("response_body", gateway, sent.length, end);
      };
      for (const piece of answer) deliver(piece, 0);
      // HTTP/1 tells of the end by itself.
      deliver(new Uint8Array(), 1);
      proxy.on("done", target);
      proxy.on("done", gateway);
      if (proxy.localAnswer) throw new Error(`the filter answered itself: ${proxy.localAnswer.body}`);
      // What a gateway with a collector does five times a second.
      if (++served % 1000 === 0) proxy.on("tick", ROOT.gateway);
    },
  };
}

/** Microseconds for a request in the quickest batch: what other work on the machine cannot lengthen. To compare two modules by. */
function quickestBatch(serve, count) {
  const size = 25;
  let least = Infinity;
  for (let done = 0; done < count; done += size) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < size; i++) serve();
    least = Math.min(least, Number(process.hrtime.bigint() - start) / 1000 / size);
  }
  return least;
}

async function profile(name, scenario, count) {
  const { proxy, serve } = await prepare(scenario);
  for (let i = 0; i < count / 10; i++) serve();
  const quickest = quickestBatch(serve, count);
  proxy.counts.clear();
  const inspector = new Session();
  inspector.connect();
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.setSamplingInterval", { interval: 100 });
  await inspector.post("Profiler.start");
  for (let i = 0; i < count; i++) serve();
  const { profile: { nodes, samples, timeDeltas } } = await inspector.post("Profiler.stop");
  inspector.disconnect();

  const own = new Map();
  const functions = new Map(nodes.map((node) => [node.id, node.callFrame]));
  let inside = 0;
  samples.forEach((id, index) => {
    const { functionName, url } = functions.get(id);
    if (!url.startsWith("wasm:")) return;
    inside += timeDeltas[index];
    own.set(functionName, (own.get(functionName) ?? 0) + timeDeltas[index]);
  });
  const calls = [...proxy.counts].map(([call, times]) => [call, times / count]).filter(([, times]) => times > 0.01);
  const total = calls.reduce((sum, [, times]) => sum + times, 0);
  console.log(`\n=== ${name}: ${quickest.toFixed(1)} µs for a request, this proxy included; ${(inside / count).toFixed(1)} µs in the module under the profiler; ${total.toFixed(1)} calls of the proxy`);
  console.log(calls.sort((a, b) => b[1] - a[1]).map(([call, times]) => `${call} ${times.toFixed(2)}`).join(", "));
  for (const [functionName, time] of [...own].sort((a, b) => b[1] - a[1]).slice(0, 40)) {
    console.log(`${(time / count).toFixed(2).padStart(7)} µs  ${readable(functionName)}`);
  }
}

/** A Rust path out of a symbol in the older of the two manglings, which is what most are in; any other as it is. */
function readable(symbol) {
  let rest = /^_ZN(.*)E$/.exec(symbol)?.[1];
  if (rest === undefined) return symbol;
  const parts = [];
  for (let length; (length = parseInt(rest)); ) {
    const start = String(length).length;
    parts.push(rest.slice(start, start + length));
    rest = rest.slice(start + length);
  }
  const escapes = { LT: "<", GT: ">", RF: "&", BP: "*", C: ",", u20: " ", u27: "'", u7b: "{", u7d: "}", u5b: "[", u5d: "]" };
  const path = parts.filter((part) => !/^h[0-9a-f]{16}$/.test(part)).join("::");
  return path.replace(/\$(\w+)\$/g, (all, name) => escapes[name] ?? all).replaceAll("..", "::").replaceAll("::_<", "::<");
}

for (const [name, scenario] of Object.entries(scenarios)) {
  if (only && name !== only) continue;
  await profile(name, scenario, Number(requests) / (scenario.stream ? 10 : 1));
}
