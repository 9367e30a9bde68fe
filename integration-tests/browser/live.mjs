// Says what the console's pages show of providers' health, ten times a second, until its standard input ends.
//
//   node live.mjs '{"base", "token", "chromium", "modules", "pages": {"name": "/address"}}'
//
// Each line is {"name": {"provider": "healthy", …}, …} as one look at all pages found it; "silent" stands for a gateway
// that does not report, under its own name.

import path from "node:path";
import { createRequire } from "node:module";

const { base, token, chromium: executablePath, modules, pages } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });

let ended = false;
process.stdin.on("end", () => (ended = true));
process.stdin.resume();

const open = {};
for (const [name, address] of Object.entries(pages)) {
  // Those of a context that cannot be seen are still "visible" to Chromium without a window.
  const page = await context.newPage();
  await page.goto(Object.keys(open).length ? base : `${base}/#token=${token}`);
  await page.waitForSelector(".frame");
  await page.goto(base + address);
  await page.waitForSelector("main .card");
  open[name] = page;
}

while (!ended) {
  const seen = {};
  for (const [name, page] of Object.entries(open)) {
    seen[name] = await page.evaluate(() => {
      const states = {};
      const word = (text) => ["healthy", "degraded", "unhealthy", "silent"].find((one) => text.split(/[\s:]+/).includes(one));
      for (const tile of document.querySelectorAll(".tile")) {
        states[tile.getAttribute("aria-label")] = word(tile.querySelector(".state").textContent);
      }
      for (const row of document.querySelectorAll("main tbody tr")) {
        const state = row.querySelector(".state");
        if (state) states[row.querySelector("td").textContent] = word(state.textContent);
      }
      return states;
    });
  }
  console.log(JSON.stringify(seen));
  await new Promise((soon) => setTimeout(soon, 100));
}
await browser.close();
