// Opens the page in Chromium, in front of both engines, for the tests in *.test.mjs.
//
// tests/web/page.rs sets these variables:
//   SMOLSTEP      the program
//   SMOLSTEP_WEB  the folder that scripts/web has built; without it, the module is not tested
//   CHROMIUM      the browser

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { serveFolder } from "./static.mjs";

/** The time limit of each condition, in milliseconds, long enough for a machine under load. */
const PATIENCE = Number(process.env.SMOLSTEP_PATIENCE ?? 120_000);

/** Makes the page this many times slower, to find tests that expect a fast machine. */
const SLOWNESS = Number(process.env.SMOLSTEP_SLOWNESS ?? 1);

/** The texts of the page that the tests look for, as a reader sees them. */
export const STEP = "step (Enter or →)";

/** The program, started when it is first needed. */
const native = {
  name: "native",
  async start() {
    const child = spawn(process.env.SMOLSTEP, ["lab", "--web"], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    for await (const line of createInterface(child.stdout)) {
      const url = /http:\S+/.exec(line)?.[0];
      if (url) return { url, close: () => (child.kill("SIGINT"), exited) };
    }
    throw new Error("the program has printed no address");
  },
};

/** A folder of files, whose page runs the module in the browser. */
const wasm = { name: "wasm", start: () => serveFolder(process.env.SMOLSTEP_WEB) };

export const engines = process.env.SMOLSTEP_WEB ? [native, wasm] : [native];

let browser;

async function chromiumOnce() {
  const headless = { headless: true, executablePath: process.env.CHROMIUM, timeout: PATIENCE };
  return (browser ??= await chromium.launch(headless));
}

after(async () => {
  await browser?.close();
  for (const engine of engines) await (await engine.started)?.close();
});

/** Starts an engine, unless it runs already. Returns the address of its page. */
export async function address(engine) {
  const { url } = await (engine.started ??= engine.start());
  return url;
}

/**
 * Runs a test once for each engine. `fragment` says what the page opens, as `scenario=lost-synack`; `options` are those of
 * a browser context. The test fails if the page logs an error, or if a request leaves the page's origin.
 */
export function withBothEngines(name, fragment, run, options = {}) {
  for (const engine of engines) {
    test(`${name} (${engine.name})`, async () => {
      const url = await address(engine);
      await withPage(url, options, async (page) => {
        await open(page, `${url}#${fragment}`);
        await run(page, engine);
      });
    });
  }
}

/** Opens a page in a browser context of its own, and checks it at the end. */
export async function withPage(url, options, run) {
  const context = await (await chromiumOnce()).newContext({
    locale: "en-GB",
    viewport: { width: 1280, height: 720 },
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  if (SLOWNESS > 1) {
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWNESS });
  }
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.text()} ${message.location().url}`);
  });
  // An exception in the page ends the test, which otherwise might wait for ever.
  const thrown = new Promise((_, reject) => page.on("pageerror", reject));
  thrown.catch(() => undefined);
  const { origin } = new URL(url);
  page.on("request", (request) => {
    const target = new URL(request.url());
    if (!["blob:", "data:"].includes(target.protocol) && target.origin !== origin) problems.push(`request to ${target}`);
  });
  try {
    await Promise.race([run(page, problems), thrown]);
  } catch (error) {
    error.message += `\nthe page: ${await page.locator("#error").textContent({ timeout: 1000 }).catch(() => "gone")}`;
    error.message += problems.map((problem) => `\nits console: ${problem}`).join("");
    throw error;
  } finally {
    await context.close();
  }
  assert.deepEqual(problems, []);
}

/** Opens an address, and waits until the first frame of the run is drawn. */
export async function open(page, url) {
  await page.goto(url);
  await page.locator("[data-frame]").first().waitFor();
}

/** Waits until the whole run has arrived and is drawn. */
export async function drawn(page) {
  await page.locator(".ladder[aria-busy=false]").first().waitFor();
}

/** Waits in the page, so that the page's own timers that are due earlier have run. */
export async function pause(page, milliseconds) {
  await page.evaluate((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)), milliseconds);
}

/**
 * Holds back the commands to the program for which `isHeld` is true. `next` waits for a command that is held back, lets
 * it go, and returns it; `all` lets go those held back and all later ones. Only requests to the program can be held back.
 */
export async function holdBack(page, isHeld) {
  const held = [];
  let arrived = () => undefined;
  let isOver = false;
  await page.route("**/session/*", (route) => {
    const command = JSON.parse(route.request().postData());
    if (isOver || !isHeld(command)) return route.continue();
    held.push({ command, go: () => route.continue() });
    arrived();
  });
  const waiting = async () => {
    while (held.length === 0) await new Promise((resolve) => (arrived = resolve));
    return held[0].command;
  };
  const next = async () => {
    await waiting();
    const { command, go } = held.shift();
    await go();
    return command;
  };
  const all = async () => {
    isOver = true;
    for (const { go } of held.splice(0)) await go();
  };
  return { waiting, next, all };
}

/** Returns the step that the page shows. */
export async function step(page) {
  return Number(/step (\d+)\//.exec(await page.locator(".place").textContent())[1]);
}

/** Waits until the page shows a step: one above or below another, a certain one, or the last one of the run. */
export async function waitForStep(page, wanted) {
  await page.waitForFunction(({ above, below, at, last }) => {
    const [, step, steps] = /step (\d+)\/(\d+)/.exec(document.querySelector(".place").textContent)?.map(Number) ?? [];
    if (step === undefined || (last && step !== steps)) return false;
    return step > (above ?? -1) && step < (below ?? Infinity) && step === (at ?? step);
  }, wanted);
}

/** Goes to the next event of a kind, as the command `until` names it. */
export async function until(page, goal) {
  const before = await step(page);
  const line = page.getByLabel("command, as in the terminal");
  await line.fill(`until ${goal}`);
  await line.press("Enter");
  await waitForStep(page, { above: before });
}

/** Returns the arrow of the n-th frame (from 0) whose description begins with a pattern. */
export function arrow(page, pattern, nth = 0) {
  return page.getByRole("button", { name: pattern }).and(page.locator("[data-frame]")).nth(nth);
}

/** Returns the arrows' descriptions, in the order of sending. */
export async function arrows(page, within = page) {
  return within.locator("[data-frame]").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
}

/** Opens a tab. */
export async function tab(page, name) {
  await page.getByRole("tab", { name, exact: true }).click();
  return page.getByRole("tabpanel", { name, exact: true });
}

/** Presses a button that offers a file; returns the file's name and bytes. */
export async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(parts) };
}
