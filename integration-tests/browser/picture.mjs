// Takes the picture of the console that the README shows.
//
//   node picture.mjs '{"base", "token", "chromium", "modules", "file"}'

import path from "node:path";
import { createRequire } from "node:module";

const { base, token, chromium: executablePath, modules, file } = JSON.parse(process.argv[2]);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({
  viewport: { width: 1280, height: 880 },
  colorScheme: "light",
  locale: "en-US",
  timezoneId: "UTC",
});
const page = await context.newPage();
await page.goto(`${base}/#token=${token}`);
await page.waitForSelector(".frame");
await page.goto(`${base}/?range=15m`);
await page.waitForSelector(".tile");
await page.waitForSelector("canvas");
await page.screenshot({ path: file });
await browser.close();
