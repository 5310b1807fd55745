// The controls: the buttons, the slider, the keys, and the line for commands.

import assert from "node:assert/strict";
import { STEP, step, withBothEngines, waitForStep } from "./lab.mjs";

/** Presses a button, and waits until the page shows a later step. */
async function forward(page, name) {
  const before = await step(page);
  await page.getByRole("button", { name, exact: true }).click();
  await waitForStep(page, { above: before });
}

withBothEngines("the buttons move through the run", "scenario=lost-synack", async (page) => {
  assert.equal(await step(page), 0);
  await forward(page, STEP);
  await forward(page, "next packet");
  await forward(page, "next change of state");
  const changed = await step(page);
  await page.getByRole("button", { name: "back (b or ←)" }).click();
  await waitForStep(page, { below: changed });
  await page.getByRole("button", { name: "to the start (Home)" }).click();
  await waitForStep(page, { at: 0 });
  await forward(page, "next loss");
  await page.getByRole("button", { name: "to the end (End)" }).click();
  await waitForStep(page, { last: true });
  await page.getByRole("button", { name: "next loss" }).click();
  await page.getByText("no such event follows").waitFor();
});

withBothEngines("play goes on until pause", "scenario=handshake", async (page) => {
  // The fastest pace.
  await page.getByLabel("speed of playing").fill("4");
  await page.getByRole("button", { name: "play (space)" }).click();
  await waitForStep(page, { above: 2 });
  const pause = page.getByRole("button", { name: "pause (space)" });
  if (await pause.isVisible()) await pause.click({ timeout: 1000 }).catch(() => undefined);
  // If the run has ended before the click, the page has already paused by itself.
  await page.getByRole("button", { name: "play (space)" }).waitFor();
});

withBothEngines("the slider goes to any step", "scenario=handshake", async (page) => {
  const slider = page.getByLabel("place", { exact: true });
  await slider.fill("9");
  await waitForStep(page, { at: 9 });
  assert.match(await slider.getAttribute("aria-valuetext"), /^step 9, /);
});

withBothEngines("the keys are those of the terminal", "scenario=handshake", async (page) => {
  for (const key of ["Enter", "ArrowRight", "n"]) {
    const before = await step(page);
    await page.keyboard.press(key);
    await waitForStep(page, { above: before });
  }
  for (const key of ["b", "ArrowLeft"]) {
    const before = await step(page);
    await page.keyboard.press(key);
    await waitForStep(page, { below: before });
  }
  await page.keyboard.press("End");
  await waitForStep(page, { last: true });
  await page.keyboard.press("Home");
  await waitForStep(page, { at: 0 });
  await page.keyboard.press("u");
  await page.keyboard.type("ESTABLISHED");
  await page.keyboard.press("Enter");
  await waitForStep(page, { above: 3 });
  const established = await step(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.type("4");
  await page.keyboard.press("Enter");
  await waitForStep(page, { at: 4, below: established });
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
  await page.getByRole("tabpanel", { name: "Numbers" }).waitFor();
  await page.keyboard.press("f");
  await page.getByRole("tabpanel", { name: "Frame" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "close" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});

withBothEngines("a command that is not understood is an error", "scenario=handshake", async (page) => {
  const line = page.getByLabel("command, as in the terminal");
  for (const [typed, answer] of [
    ["<b>x</b>", /not understood/],
    ["goto x", /goto/],
    ["drop 9999", /9999/],
    ["until nonsense", /nonsense/],
    ["inject client < nonsense", /.+/],
    ["branch z", /z/],
  ]) {
    await line.fill(typed);
    await line.press("Enter");
    await page.waitForFunction(
      ([pattern]) => new RegExp(pattern).test(document.querySelector("#error:not([hidden])")?.textContent ?? ""),
      [answer.source],
    );
    assert.equal(await page.locator("#error b").count(), 0);
    // A command that is valid clears the error.
    await line.fill("goto 1");
    await line.press("Enter");
    await page.locator("#error").waitFor({ state: "hidden" });
  }
});

withBothEngines("a segment is injected", "scenario=handshake", async (page) => {
  const line = page.getByLabel("command, as in the terminal");
  await line.fill("until client=ESTABLISHED");
  await line.press("Enter");
  await waitForStep(page, { above: 3 });
  await line.fill("inject client < R 1:1(0)");
  await line.press("Enter");
  await page.getByRole("navigation", { name: "runs" }).waitFor();
  await page.locator("[data-frame].forged").first().waitFor();
});
