// The settings of the network and of the hosts, which begin the experiment again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { address, drawn, engines, holdBack, open, tab, until, waitForStep, withBothEngines, withPage } from "./lab.mjs";

/** Opens the handshake and a tab. Later experiments are held back, and so are the first entries of their traces. */
async function withHeldBack(name, run) {
  const [native] = engines;
  const url = await address(native);
  await withPage(url, {}, async (page) => {
    await open(page, `${url}#scenario=handshake`);
    await drawn(page);
    const experiments = await holdBack(page, ({ do: what, from }) => what === "new" || (what === "trace" && from === 0));
    await run(page, await tab(page, name), experiments);
  });
}

withBothEngines("the sliders of the network begin the experiment again", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Network");
  const time = () => page.locator(".place").textContent();
  await page.getByRole("button", { name: "to the end (End)" }).click();
  await waitForStep(page, { last: true });
  const before = await time();
  await panel.getByRole("slider", { name: /^latency/ }).fill("9");
  await page.waitForFunction((before) => document.querySelector(".place").textContent !== before, before);
  for (const name of [/^jitter/, /^rate/, /^queue/, /^loss/, /^buffers/, /^MTU/, /^router/, /^delay of ACKs/]) {
    const slider = panel.getByRole("slider", { name });
    const before = await slider.getAttribute("aria-valuetext");
    await slider.fill((await slider.inputValue()) === "2" ? "3" : "2");
    // The new value takes effect when the experiment has started again.
    const isChanged = ([pattern, before]) => {
      const label = [...document.querySelectorAll("label.setting")].find((one) => new RegExp(pattern).test(one.textContent));
      return label.querySelector("input").getAttribute("aria-valuetext") !== before;
    };
    await page.waitForFunction(isChanged, [name.source, before]);
  }
  await panel.getByLabel("congestion control").selectOption("reno");
  await panel.getByLabel("Nagle's algorithm").check();
  await panel.getByLabel("seed").fill("12");
  await panel.getByLabel("seed").press("Enter");
  const file = await tab(page, "File");
  await page.waitForFunction(() => /reno/.test(document.querySelector(".editor textarea").value));
  await tab(page, "Network");
  await panel.getByRole("button", { name: "as in the file" }).click();
  await page.waitForFunction(() => !/reno/.test(document.querySelector(".editor textarea").value));
  assert.equal(await file.isHidden(), true);
});

withBothEngines("settings that change in quick succession begin one experiment", "scenario=fast-retransmit", async (page) => {
  const panel = await tab(page, "Network");
  const count = () => page.locator(".ladder").first().locator(".note").count();
  await drawn(page);
  const before = await count();
  await panel.getByRole("slider", { name: /^latency/ }).focus();
  for (let presses = 0; presses < 3; presses++) {
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
  }
  // Commands are answered in order, so by then every experiment has started. The last one has the settings of the first.
  await until(page, "packet");
  await drawn(page);
  assert.equal(await count(), before);
});

test("a late answer does not move a slider that the reader has moved on", async () => {
  await withHeldBack("Network", async (page, panel, experiments) => {
    const slider = panel.getByRole("slider", { name: /^latency/ });
    const first = Number(await slider.inputValue());
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    const sent = [await experiments.next(), await experiments.waiting()];
    await page.keyboard.press("ArrowRight");
    // The second experiment starts, and then the entries of the first experiment arrive.
    await experiments.next();
    assert.equal((await experiments.next()).do, "trace");
    sent.push(await experiments.waiting());
    assert.equal(Number(await slider.inputValue()), first + 1);
    await page.keyboard.press("ArrowLeft");
    await experiments.all();
    await until(page, "packet");
    assert.deepEqual(sent.map(({ settings }) => settings.latency_us), [2000, 1000, 2000]);
    assert.equal(Number(await slider.inputValue()), first);
  });
});

test("a late answer does not change what the reader types or chooses", async () => {
  await withHeldBack("Network", async (page, panel, experiments) => {
    const [congestion, nagle, seed] = ["congestion control", "Nagle's algorithm", "seed"].map((name) => panel.getByLabel(name));
    await congestion.selectOption("reno");
    await nagle.check();
    await congestion.selectOption("none");
    await seed.pressSequentially("7");
    const typed = await seed.inputValue();
    const sent = [];
    while (sent.filter((what) => what === "new").length < 3) sent.push((await experiments.next()).do);
    assert.deepEqual([await congestion.inputValue(), await nagle.isChecked()], ["none", true]);
    // The last answers arrive while the reader is still typing the seed.
    for (; sent.length < 6; sent.push("trace")) assert.equal((await experiments.next()).do, "trace");
    await page.waitForFunction(() => /none/.test(document.querySelector(".editor textarea").value));
    assert.equal(await seed.inputValue(), typed);
    await seed.press("Enter");
    assert.equal((await experiments.next()).seed, Number(typed));
    await experiments.all();
  });
});

test("a late answer does not move the list of experiments", async () => {
  await withHeldBack("Network", async (page, _panel, experiments) => {
    const list = page.getByLabel("experiment", { exact: true });
    await list.selectOption("scenario lost-synack");
    await experiments.next();
    assert.equal((await experiments.waiting()).do, "trace");
    await list.selectOption("scenario time-wait");
    // The first experiment is drawn while the second one is under way.
    await experiments.next();
    assert.equal((await experiments.waiting()).scenario, "time-wait");
    assert.equal(await list.inputValue(), "scenario time-wait");
    await experiments.all();
    await page.locator(".subtitle", { hasText: /TIME-WAIT/ }).waitFor();
  });
});

withBothEngines("a seed that is not valid is an error", "scenario=handshake", async (page) => {
  const panel = await tab(page, "Network");
  const seed = panel.getByLabel("seed");
  const before = await seed.inputValue();
  await seed.fill("-1");
  await seed.press("Enter");
  await page.getByRole("alert").getByText("the seed is a whole number").waitFor();
  assert.equal(await seed.inputValue(), before);
});
