// Walks through the console in a real browser: every page with real traffic, each figure compared with the API.
//
//   node console.mjs '{"base", "token", "chromium", "modules", "screenshots", "expected": {"requests", "failovers", "first", "second"}}'
//
// Prints what it looked at; ends with 1 and says why at the first thing that is not as it should be.

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

const { base, token, chromium: executablePath, modules, screenshots, expected } = JSON.parse(process.argv[2]);
const require = createRequire(path.join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const problems = [];
const bearer = { authorization: `Bearer ${token}` };
const api = async (where) => (await fetch(base + where, { headers: bearer })).json();

async function session(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself reports the 401 of "is there a session?".
    if (message.type() === "error" && !message.text().includes("401")) problems.push(`console: ${message.text()}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 400 && !answer.url().endsWith("/v1/session")) problems.push(`${answer.status()} ${answer.url()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) problems.push(`outside: ${request.url()}`);
  });
  await page.goto(`${base}/#token=${token}`);
  await page.waitForSelector(".frame");
  assert(!page.url().includes("token"), "the token stays in no address");
  return page;
}

// All that a browser loads, compressed.
let bytes = 0;
for (const file of ["/", "/console.js", "/console.css"]) bytes += gzipSync(await (await fetch(base + file)).text()).length;
assert(bytes < 250 * 1024, `${bytes} bytes compressed`);

const PAGES = [
  ["overview", "/?range=1h", "Requests"],
  ["gateways", "/gateways", "Gateway"],
  ["health", "/health?range=1h", "Availability"],
  ["costs", "/costs?range=1h", "Total Cost"],
  ["experiments", "/experiments?range=1h", "Quality Score"],
  ["requests", "/requests?range=1h", "Served by"],
  ["keys", "/keys", "Gateway keys"],
  ["budgets", "/budgets", "Provider budgets"],
  ["webhooks", "/webhooks", "Webhooks"],
  ["policy", "/policy", "In force"],
  ["playground", "/playground", "Send"],
];

async function shown(page, address, text) {
  await page.goto(base + address);
  await page.locator(`main :text("${text}")`).filter({ visible: true }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".skeleton"));
}

// Every page, in two widths and two themes, without a finding for people who use a screen reader.
for (const colorScheme of ["light", "dark"]) {
  for (const width of [1400, 360]) {
    const page = await session({ viewport: { width, height: 900 }, colorScheme });
    for (const [name, address, text] of PAGES) {
      await shown(page, address, text);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert(wide <= 0, `${name} at ${width} px is ${wide} px too wide`);
      await page.evaluate(axe);
      const findings = await page.evaluate(async () =>
        (await axe.run()).violations.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 150)}`),
      );
      assert.deepEqual(findings, [], `${name} at ${width} px, ${colorScheme}`);
      await page.screenshot({ path: path.join(screenshots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
    await page.context().close();
  }
}
console.log(`${PAGES.length} pages at two widths in two themes`);

const page = await session({ viewport: { width: 1400, height: 900 }, locale: "en-US" });
const card = async (title) => (await page.locator(`section[aria-label="${title}"] .value`).textContent()).trim();
const tile = async (provider, name) =>
  (await page.locator(`section[aria-label="${provider}"] dt:has-text("${name}") + dd`).textContent()).trim();

// Figures are those of the traffic, and of the API.
await shown(page, "/?range=1h", "Requests");
assert.equal(await card("Requests"), String(expected.requests));
assert.equal(await card("Failed over"), `${(expected.failovers / expected.requests) * 100}%`);
assert.equal(await tile(expected.first, "Availability"), "0%");
assert.equal(await tile(expected.second, "Availability"), "100%");
const health = await api(`/v1/gateways/${encodeURIComponent((await api("/v1/gateways")).data[0].gateway_id)}/providers`);
for (const provider of health.data) {
  const state = await page.locator(`section[aria-label="${provider.id}"] .state`).textContent();
  assert(state.includes(provider.status), `${provider.id}: ${state}`);
}
await shown(page, "/costs?range=1h", "Total Cost");
const rows = (await api("/v1/events?since=1h&group_by=provider&metrics=request_count,total_input_tokens")).data;
for (const row of rows) {
  const cells = await page.locator(`tbody tr:has-text("${row.provider}") td`).allTextContents();
  assert.equal(cells[1], String(row.request_count));
  assert.equal(cells[2], row.total_input_tokens.toLocaleString("en-US"));
}
// Every card, and every row by attempt, as the API has them.
const totals = (await api("/v1/events?since=1h&metrics=request_count,error_count,error_rate,failover_rate,total_tokens")).data[0];
assert.equal(totals.request_count, expected.requests);
await shown(page, "/?range=1h", "Requests");
const percentage = (share) => share.toLocaleString("en-US", { style: "percent", maximumFractionDigits: 1 });
assert.equal(await card("Failed"), percentage(totals.error_rate));
assert.equal(await card("Failed over"), percentage(totals.failover_rate));
assert.equal(await card("Tokens"), totals.total_tokens.toLocaleString("en-US"));
const attempts = (await api("/v1/events?since=1h&group_by=attempts.provider&metrics=attempt_count,availability")).data;
assert.equal(attempts.length, 2);
for (const row of attempts) {
  assert.equal(await tile(row["attempts.provider"], "Attempts"), String(row.attempt_count));
  assert.equal(await tile(row["attempts.provider"], "Availability"), percentage(row.availability));
}
// A figure leads to the requests behind it.
await page.locator('section[aria-label="Failed over"] .value').click();
await page.waitForURL(/\/requests\?.*q=failover/);
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, expected.failovers);
await page.goto(`${base}/requests?range=1h&q=error:true`);
await page.waitForSelector(totals.error_count ? "tbody tr" : "main .empty");
assert.equal(await page.locator("tbody tr").count(), totals.error_count);
console.log("figures");

// The panels, thresholds, pages and tables of the product's documentation, by its names.
const PANELS = [
  ["Availability", "alert below 99.5%"],
  ["Latency", "alert above 5,000 ms"],
  ["Error Rate", "alert above 1%"],
  ["Rate Limiting", "alert above 5 a minute"],
  ["Cost Efficiency", "alert above 2 times the baseline"],
];
await shown(page, "/health?range=1h", "Availability");
const panels = page.locator("main section.card:has(header button)");
assert.deepEqual(await panels.locator("h2").allTextContents(), PANELS.map(([title]) => title));
assert.deepEqual(await panels.locator("header button").allTextContents(), PANELS.map(([, threshold]) => threshold));
await page.waitForSelector(`section[aria-label="Latency"] .u-legend :text("${expected.second} p50")`);
await page.waitForSelector(`section[aria-label="Latency"] .u-legend :text("${expected.second} p99")`);
const titles = async () => (await page.locator("thead th").allTextContents()).map((title) => title.trim());
for (const [address, text, columns] of [
  ["/experiments?range=1h", "Quality Score", ["Provider", "p50 Latency", "p99 Latency", "Cost/1M tokens", "Quality Score"]],
  ["/costs?range=1h", "Total Cost", ["Provider", "Requests", "Input Tokens", "Output Tokens", "Total Cost", "Cost/Request"]],
]) {
  await shown(page, address, text);
  const found = await titles();
  assert.deepEqual(found.filter((title) => columns.includes(title)), columns, address);
}
const pages = (await page.locator("nav a span").allTextContents()).map((title) => title.trim());
for (const title of ["Overview", "Gateways", "Health", "Cost Center"]) assert(pages.includes(title), title);
console.log("the names of the documentation");

// A threshold is changed in place, and goes back.
await page.goto(`${base}/health?range=1h`);
await page.click('section[aria-label="Latency"] header button');
await page.fill("dialog input[name=value]", "9000");
await page.click("dialog button[type=submit]");
await page.waitForSelector('section[aria-label="Latency"] header button:has-text("9,000 ms")');
assert.equal((await api("/v1/thresholds")).data.find((one) => one.panel === "latency").value, 9000);
await page.click('section[aria-label="Latency"] header button');
await page.click("dialog button:has-text('Back to the default')");
await page.waitForSelector('section[aria-label="Latency"] header button:has-text("5,000 ms")');
console.log("a threshold");

// One gateway opened has its providers' figures.
await page.goto(`${base}/gateways`);
await page.locator("tbody tr a").first().click();
await page.waitForSelector(`tbody tr:has-text("${expected.second}") td:has-text("100%")`);

// Month, comparison and export.
const month = new Date().toISOString().slice(0, 7);
await shown(page, "/costs?range=1h", "Total Cost");
await page.fill("input[type=month]", month);
await page.waitForURL(/range=month/);
await page.waitForSelector("thead th:has-text('To last month')");
const download = page.waitForEvent("download");
await page.click("button:has-text('Export CSV')");
const csv = fs.readFileSync(await (await download).path(), "utf8").split("\r\n");
assert(csv[0].startsWith("provider,request_count,"), csv[0]);
assert.equal(csv.length, 1 + (await api("/v1/events?since=1h&group_by=provider&metrics=request_count")).data.length);
console.log("a month, and its export");

// The policy as its author wrote it, and what it would do.
await page.goto(`${base}/policy`);
await page.waitForSelector("main pre:has-text('model_groups')");
assert(!(await page.locator("main pre").first().textContent()).includes('"runtime"'), "nothing that was rendered");
await page.fill("input[name=model]", "chain");
await page.click("button:has-text('Explain')");
await page.waitForSelector(".explained .steps li");
assert.deepEqual(await page.locator(".explained .steps strong").allTextContents(), [expected.first, expected.second]);
await page.evaluate(axe);
assert.deepEqual(await page.evaluate(async () => (await axe.run()).violations.map((one) => one.id)), [], "a plan");
console.log("a plan");

// Columns are chosen, and stand in the address.
await page.goto(`${base}/requests?range=1h`);
await page.click("summary:has-text('Columns')");
await page.click(".chooser label:has-text('Gateway') input");
await page.waitForSelector("thead th:has-text('Gateway')");
assert(decodeURIComponent(page.url()).includes("Gateway"), page.url());

// Search, and one request opened.
await page.goto(`${base}/requests?range=1h`);
await page.fill("#q", `attempt:${expected.first}`);
await page.press("#q", "Enter");
await page.waitForURL(/q=attempt/);
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, expected.failovers);
await page.locator("tbody tr a").first().click();
await page.waitForSelector(".timeline li");
assert.deepEqual(
  (await page.locator(".timeline strong").allTextContents()).sort(),
  [expected.first, expected.second].sort(),
);
// Headers as the client got them.
assert(
  (await page.locator('section[aria-label="Headers of the answer"]').textContent()).includes(`x-keeptrusts-provider${expected.second}`),
);
await page.waitForSelector("a:has-text('Explain again')");
// What is said of its answer is the Quality Score of its arm; a request opened passes axe as well.
await page.fill("input[name=score]", "92");
await page.fill("input[name=label]", "thumbs");
await page.click("button:has-text('Give feedback')");
await page.waitForSelector("main dt:has-text('thumbs')");
await page.evaluate(axe);
assert.deepEqual(await page.evaluate(async () => (await axe.run()).violations.map((one) => one.id)), [], "one request");
await page.screenshot({ path: path.join(screenshots, "request-1400-light.png"), fullPage: true });
await shown(page, "/experiments?range=1h", "Quality Score");
assert((await page.locator("tbody").first().textContent()).includes("92%"), "the Quality Score");
console.log("one request, and feedback");

// A key is made, shown once, and revoked; a budget is made and ended.
await page.goto(`${base}/budgets`);
await page.click("text=Create budget");
await page.fill("input[name=provider]", expected.second);
await page.fill("input[name=limit]", "5000");
await page.click("dialog button[type=submit]");
await page.waitForSelector(`tbody tr:has-text("${expected.second}")`);
assert.equal((await api("/v1/budgets")).data[0].limit_usd, 5000);
await page.click("tbody button:has-text('Delete')");
await page.click("dialog button:has-text('Delete')");
await page.waitForSelector("text=No budget yet");
await page.goto(`${base}/keys`);
await page.click("text=Create key");
await page.waitForSelector("dialog :text('from now on every request needs a key')");
await page.fill("input[name=name]", "made-in-the-browser");
await page.fill("input[name=team]", "search");
await page.click("dialog button[type=submit]");
const key = await page.locator("dialog .copy code").textContent();
assert.match(key, /^kt_gk_/);
await page.click("dialog button:has-text('Done')");
await page.waitForSelector("tbody tr:has-text('made-in-the-browser')");
assert(!(await page.content()).includes(key), "a key is shown once");
await page.click("tbody button:has-text('Rotate')");
await page.click("dialog button:has-text('Rotate')");
const rotated = await page.locator("dialog .copy code").textContent();
assert.match(rotated, /^kt_gk_/);
assert.notEqual(rotated, key);
await page.click("dialog button:has-text('Done')");
console.log("keys and budgets");

// A webhook is made and tested; what it was told and answered is shown.
const told = [];
const receiver = http.createServer((request, answer) => {
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", () => {
    told.push({ url: request.url, body: JSON.parse(body) });
    answer.end("received well");
  });
});
await new Promise((listening) => receiver.listen(0, "127.0.0.1", listening));
await page.goto(`${base}/webhooks`);
await page.click("text=Create webhook");
await page.selectOption("select[name=format]", "alertmanager");
await page.fill("input[name=url]", `http://127.0.0.1:${receiver.address().port}`);
await page.click("dialog button[type=submit]");
await page.click("dialog button:has-text('Done')");
await page.click("tbody button:has-text('Deliveries')");
await page.click("dialog button:has-text('Send test message')");
await page.waitForSelector("dialog li .good:has-text('delivered 200')");
await page.click("dialog summary");
await page.waitForSelector("dialog pre:has-text('received well')");
assert.equal(told[0].url, "/api/v2/alerts");
assert.equal(told[0].body[0].labels.alertname, "KeeptrustsTest");
await page.evaluate(axe);
assert.deepEqual(await page.evaluate(async () => (await axe.run()).violations.map((one) => one.id)), [], "deliveries");
await page.screenshot({ path: path.join(screenshots, "deliveries-1400-light.png") });
receiver.close();
receiver.closeAllConnections();
console.log("a webhook");

// The playground needs the key now; what happened is shown beside the answer.
await page.goto(`${base}/playground`);
await page.fill("input[name=key]", rotated);
await page.click("button:has-text('Send')");
await page.waitForSelector("main :text('What happened')", { timeout: 60_000 });
assert.equal(await page.locator("main ol.plain li.good").count(), 1);
// The key's team pays for it.
for (let waited = 0; ; waited += 1) {
  const teams = (await api("/v1/events?since=1h&group_by=team&metrics=request_count")).data;
  if (teams.some((row) => row.team === "search")) break;
  assert(waited < 200, JSON.stringify(teams));
  await new Promise((soon) => setTimeout(soon, 50));
}
await shown(page, "/costs?range=1h&by=team", "Cost by team");
await page.waitForSelector("tbody tr:has-text('search')");
await page.goto(`${base}/keys`);
await page.click("tbody button:has-text('Revoke')");
await page.click("dialog button:has-text('Revoke')");
await page.waitForSelector("tbody tr:has-text('revoked')");
console.log("playground");

await browser.close();
assert.deepEqual(problems, []);
