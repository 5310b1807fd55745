// The controls: the buttons, the slider, the keys, and the line for commands.

import assert from "node:assert/strict";
import { STEP, arrow, drawn, step, tab, withBothEngines, waitForStep } from "./lab.mjs";

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

withBothEngines("the other keys of the terminal", "scenario=lost-synack", async (page) => {
  await page.keyboard.press("Space");
  await waitForStep(page, { above: 0 });
  const pause = page.getByRole("button", { name: "pause (space)" });
  if (await pause.isVisible()) await page.keyboard.press("Space");
  await page.getByRole("button", { name: "play (space)" }).waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("p")]);
  assert.equal(download.suggestedFilename(), "lost-synack.pcapng");
  await page.keyboard.press("Home");
  await waitForStep(page, { at: 0 });
  await page.getByRole("button", { name: "next packet", exact: true }).click();
  await waitForStep(page, { above: 0 });
  await page.keyboard.press("d");
  await page.getByRole("button", { name: /^run b: / }).waitFor();
  await page.keyboard.press("i");
  assert.equal(await page.getByLabel("command, as in the terminal").inputValue(), "inject ");
});

withBothEngines("the line accepts the terminal's other commands, and recalls earlier ones", "scenario=handshake", async (page) => {
  const line = page.getByLabel("command, as in the terminal");
  const send = async (words) => {
    await line.fill(words);
    await line.press("Enter");
  };
  await send("goto 8");
  await waitForStep(page, { at: 8 });
  await send("step 2");
  await waitForStep(page, { at: 10 });
  await send("back");
  await waitForStep(page, { at: 9 });
  await send("3");
  await waitForStep(page, { at: 12 });
  await send("goto 9");
  await waitForStep(page, { at: 9 });
  await send("delay 4 300ms");
  await page.getByRole("button", { name: /^run b: frame 4 / }).waitFor();
  await send("branch a");
  await page.getByRole("button", { name: "run a", pressed: true }).waitFor();
  for (const [words, name] of [["duplicate 4", "c"], ["branch a", "a"], ["corrupt 4", "d"]]) {
    await send(words);
    await page.getByRole("button", { name: new RegExp(`^run ${name}`), pressed: true }).waitFor();
  }
  await send("compare b");
  await page.locator(".ladder").nth(1).locator("[data-frame]").first().waitFor();
  for (const [words, name] of [["sockets", "Numbers"], ["frames", "Frame"], ["branches", "States"]]) {
    await send(words);
    await page.getByRole("tabpanel", { name, exact: true }).waitFor();
  }
  const [download] = await Promise.all([page.waitForEvent("download"), send("save")]);
  assert.equal(download.suggestedFilename(), "handshake-d.pcapng");
  await send("help");
  await page.getByRole("dialog").getByRole("button", { name: "close" }).click();
  await line.press("ArrowUp");
  await line.press("ArrowUp");
  assert.equal(await line.inputValue(), "save");
  await line.press("ArrowDown");
  assert.equal(await line.inputValue(), "help");
});

withBothEngines("the buttons at the corner, and the list of experiments", "scenario=handshake", async (page) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await ground();
  await page.getByRole("button", { name: "light or dark" }).click();
  assert.notEqual(await ground(), before);
  // The choice stays.
  await page.reload();
  await page.locator("[data-frame]").first().waitFor();
  assert.notEqual(await ground(), before);
  await page.getByRole("button", { name: "help", exact: true }).click();
  await page.getByRole("dialog").getByText("step").first().waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "close" }).click();
  for (const value of ["exercise 01-handshake", "program echo", "scenario time-wait"]) {
    await page.getByLabel("experiment", { exact: true }).selectOption(value);
    await page.waitForFunction((name) => document.querySelector(".editor textarea").value.includes(name), {
      "exercise 01-handshake": "question",
      "program echo": "echo",
      "scenario time-wait": "TIME-WAIT",
    }[value]);
  }
});

withBothEngines("the arrow keys move between the tabs", "scenario=handshake", async (page) => {
  await page.getByRole("tab", { name: "States" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tabpanel", { name: "Numbers" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("tabpanel", { name: "Share" }).waitFor();
});

withBothEngines("each button of a frame's menu changes the frame", "scenario=handshake", async (page) => {
  const menu = page.getByRole("group", { name: "what happens to this frame" }).first();
  const fates = [["delay", /\+25ms/], ["duplicate", /duplicated/], ["corrupt", /corrupted/]];
  for (const [place, [fault, fate]] of fates.entries()) {
    await arrow(page, /\bSYN,ACK\b/).locator(".hit").click();
    await menu.getByLabel("delay in milliseconds").fill("25");
    await menu.locator(`[data-fault=${fault}]`).click();
    const name = "bcd"[place];
    await page.getByRole("button", { name: new RegExp(`^run ${name}: `), pressed: true }).waitFor();
    await arrow(page, fate).waitFor();
    await page.getByRole("button", { name: "run a", exact: true }).click();
    await page.getByRole("button", { name: "run a", pressed: true }).waitFor();
    await drawn(page);
  }
});

withBothEngines("a click on a connection shows its numbers, and a frame leads back to its step", "scenario=three-and-four-way-close", async (page) => {
  const panel = await tab(page, "States");
  await page.getByRole("button", { name: "to the end (End)" }).click();
  await waitForStep(page, { last: true });
  const ends = page.locator(".ladder-head").first().getByRole("button");
  await ends.nth(2).click();
  await page.waitForFunction(() => document.querySelectorAll(".ladder-head .end")[2].classList.contains("current"));
  await panel.locator("svg.states title").waitFor({ state: "attached" });
  const why = page.getByRole("region", { name: "Why" });
  await page.locator("[data-frame] .hit").first().click();
  await why.getByRole("heading", { name: /frame \d+/ }).waitFor();
  await why.getByRole("button", { name: "back to the step" }).click();
  await why.getByRole("heading", { name: /step \d+/ }).waitFor();
});

withBothEngines("a graph is zoomed by dragging", "scenario=slow-start", async (page) => {
  const panel = await tab(page, "Graphs");
  const range = () => panel.locator(".bar output").textContent();
  await page.waitForFunction(() => (document.querySelector("img.graph")?.naturalWidth ?? 0) > 0);
  const whole = await range();
  const isNot = (before) => page.waitForFunction((before) => document.querySelector(".bar output").textContent !== before, before);
  const box = await panel.locator(".graph-frame").boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await isNot(whole);
  // Five times, the part is at least the whole run. The first of them might show the same points.
  for (let clicks = 0; clicks < 5; clicks++) await panel.getByRole("button", { name: "zoom out" }).click();
  await page.waitForFunction((whole) => document.querySelector(".bar output").textContent === whole, whole);
});

withBothEngines("without questions, the panel lists the exercises", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Exercise");
  await panel.getByRole("button", { name: /handshake/i }).first().click();
  await panel.locator("form.question").first().waitFor();
});

withBothEngines("the run stays under the pointer that holds the slider", "scenario=slow-start", async (page) => {
  await drawn(page);
  await page.getByLabel("speed of playing").fill("4");
  const slider = page.getByLabel("place", { exact: true });
  const { x, y, width, height } = await slider.boundingBox();
  await page.getByRole("button", { name: "play (space)" }).click();
  await waitForStep(page, { above: 0 });
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  const held = await step(page);
  // Meanwhile the timer of the playing run is due several times.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  assert.equal(await step(page), held);
  await page.mouse.up();
  await waitForStep(page, { above: held });
});
