// Measures the page in Chromium and prints the figures: first paint, a step, and scrolling through a long run.
//
//   cargo build --release && cargo test --test web loads
//   cd target/tmp/browser && SMOLSTEP=../../release/smolstep CHROMIUM=$(command -v chromium) node bench.mjs

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { serveFolder } from "./static.mjs";

/** How often a page is loaded and scrolled, and how many steps are taken by key. */
const [LOADS, SCROLLS, PRESSES] = [9, 100, 100];

const folder = mkdtempSync(join(tmpdir(), "smolstep-bench-"));
const browser = await chromium.launch({ headless: true, executablePath: process.env.CHROMIUM });

try {
  await firstPaint();
  await steps("10,000 entries", 3_500_000);
  await scrolling("100,000 steps", 48_000_000);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

/** Compares the first paint with that of a page that consists of one word. */
async function firstPaint() {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "index.html"), "<!doctype html><title>empty</title><p>empty");
  const server = await serveFolder(empty);
  const lab = await program("lost-synack");
  for (const [name, url] of [["empty page", server.url], ["the lab", lab.url]]) {
    const paints = [];
    for (let load = 0; load < LOADS; load++) {
      const page = await newPage();
      await page.goto(url);
      const paint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
      paints.push(await paint.jsonValue());
      await page.context().close();
    }
    console.log(`first paint, ${name}: ${median(paints).toFixed(0)} ms (median of ${LOADS})`);
  }
  await server.close();
  await lab.close();
}

/** Measures how long a step takes to draw. The page measures itself. */
async function steps(name, bytes) {
  const lab = await program(transfer(bytes));
  const page = await newPage();
  await page.goto(`${lab.url}?measure`);
  const measured = await page.waitForFunction(() => document.body.dataset.measured, undefined, { timeout: 600_000 });
  console.log(`a step, about ${name}: ${await measured.jsonValue()}`);
  // Unlike elapsed time, CPU time does not depend on what else runs on the machine.
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const before = await processor(session);
  for (let press = 0; press < PRESSES; press++) {
    const place = await page.locator(".place").textContent();
    await page.keyboard.press("Enter");
    await page.waitForFunction((place) => document.querySelector(".place").textContent !== place, place);
  }
  const used = ((await processor(session)) - before) / PRESSES;
  console.log(`a step by key: ${(1000 * used).toFixed(1)} ms of the processor for script, style and layout (mean of ${PRESSES})`);
  await page.context().close();
  await lab.close();
}

/** Scrolls to places all over a run, and measures the time from one to the picture of it. */
async function scrolling(name, bytes) {
  const lab = await program(transfer(bytes));
  const page = await newPage();
  await page.goto(lab.url);
  await page.locator("[data-frame]").first().waitFor({ timeout: 600_000 });
  const { times, most, total } = await page.evaluate(async (scrolls) => {
    const scroller = document.querySelector(".ladder-scroll");
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const [times, counts] = [[], []];
    for (let place = 0; place < scrolls; place++) {
      await frame();
      const start = performance.now();
      scroller.scrollTop = (scroller.scrollHeight * ((place * 37) % scrolls)) / scrolls;
      await frame();
      await frame();
      times.push(performance.now() - start);
      counts.push(document.querySelectorAll("[data-frame]").length);
    }
    return { times, most: Math.max(...counts), total: document.querySelector(".place").textContent };
  }, SCROLLS);
  console.log(
    `scrolling, about ${name} (${total}): ${median(times).toFixed(1)} ms for two pictures (median of ${SCROLLS}), ` +
      `at most ${most} frames drawn`,
  );
  await page.context().close();
  await lab.close();
}

/** Writes an experiment that sends bytes; returns its file. */
function transfer(bytes) {
  const file = join(folder, `${bytes}.lab`);
  const server = "server listens 7000\n  read to end\n  close\n";
  // A single send takes at most 16 MiB.
  const parts = Math.ceil(bytes / (16 << 20));
  const client = `client calls 7000\n${`  send ${Math.ceil(bytes / parts)} bytes\n`.repeat(parts)}  close\n`;
  writeFileSync(file, `title "a long transfer"\nhosts receive 65535 send 131072\n${server}${client}`);
  return file;
}

/** Starts the program with an experiment. */
async function program(experiment) {
  const child = spawn(process.env.SMOLSTEP, ["lab", "--web", experiment], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url) return { url, close: () => (child.kill("SIGINT"), exited) };
  }
  throw new Error(`smolstep lab --web ${experiment} has ended`);
}

/** Returns the processor's time that the page has used for scripts, style and layout, in seconds. */
async function processor(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  const parts = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
  return metrics.filter(({ name }) => parts.includes(name)).reduce((sum, { value }) => sum + value, 0);
}

async function newPage() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  return context.newPage();
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
