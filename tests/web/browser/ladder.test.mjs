// Frames are grabbed in the ladder, with the mouse and by keyboard, and each change makes a branch.

import assert from "node:assert/strict";
import { arrow, arrows, drawn, step, tab, withBothEngines, waitForStep } from "./lab.mjs";

const SYN_ACK = /\bSYN,ACK\b/;

/** Waits until a run is current whose SYN,ACK is lost and sent again. */
async function checkBranch(page) {
  const runs = page.getByRole("navigation", { name: "runs" });
  await runs.waitFor();
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".ladder")][0].querySelectorAll("[data-frame].lost").length > 0,
  );
  const [first, ...later] = (await arrows(page, page.locator(".ladder").first())).filter((label) => SYN_ACK.test(label));
  assert.match(first, /lost$/);
  assert.equal(later.length > 0, true, "the SYN,ACK is sent again");
}

withBothEngines("a click on the SYN,ACK offers to drop it", "scenario=handshake", async (page) => {
  await arrow(page, SYN_ACK).locator(".hit").click();
  await page.getByRole("group", { name: "what happens to this frame" }).first().getByRole("button", { name: "drop" }).click();
  await checkBranch(page);
});

withBothEngines("the SYN,ACK is dragged out of the ladder", "scenario=handshake", async (page) => {
  const line = await arrow(page, SYN_ACK).locator(".hit").boundingBox();
  await page.mouse.move(line.x + line.width / 2, line.y + line.height / 2);
  await page.mouse.down();
  const zone = page.locator(".grab:not([hidden]) [data-fault=drop]");
  await zone.waitFor();
  const box = await zone.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  await checkBranch(page);
});

withBothEngines("the SYN,ACK is dropped with the keyboard alone", "scenario=handshake", async (page) => {
  // Tab reaches the first arrow, and the arrow keys reach the other arrows.
  for (let presses = 0; presses < 100; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.hasAttribute("data-frame"))) break;
  }
  for (let presses = 0; presses < 20; presses++) {
    if (SYN_ACK.test(await page.evaluate(() => document.activeElement.getAttribute("aria-label")))) break;
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("d");
  await checkBranch(page);
});

withBothEngines("the menu is used with the keyboard", "scenario=handshake", async (page) => {
  await arrow(page, SYN_ACK).focus();
  await page.keyboard.press("Enter");
  const drop = page.getByRole("button", { name: "drop" }).first();
  await drop.waitFor();
  // Escape leads back to the frame, and nothing has changed.
  await page.keyboard.press("Escape");
  await drop.waitFor({ state: "hidden" });
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), SYN_ACK);
  assert.equal(await page.getByRole("navigation", { name: "runs" }).isHidden(), true);
  await page.keyboard.press("Enter");
  await drop.waitFor();
  await page.keyboard.press("Enter");
  await checkBranch(page);
});

for (const [key, fate] of [
  ["d", "dropped"],
  ["l", "\\+300ms"],
  ["u", "duplicated"],
  ["c", "corrupted"],
]) {
  withBothEngines(`the key ${key} makes a branch, and the frame keeps the focus`, "scenario=handshake", async (page) => {
    await arrow(page, SYN_ACK).focus();
    await page.keyboard.press(key);
    await page.getByRole("button", { name: /^run b: frame \d+ / }).waitFor();
    await page.waitForFunction(() => document.activeElement.hasAttribute("data-frame"));
    const focused = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.match(focused, SYN_ACK);
    assert.match(focused, new RegExp(fate));
  });
}

withBothEngines("a click on a note goes to its step", "scenario=client-closes-first", async (page) => {
  assert.equal(await step(page), 0);
  await page.locator(".note", { hasText: /^FIN-WAIT-1/ }).click();
  await waitForStep(page, { above: 0 });
  await page.getByRole("region", { name: "Why" }).getByText("ESTABLISHED → FIN-WAIT-1").waitFor();
});

withBothEngines("on a phone, two branches are one above the other", "scenario=handshake", async (page) => {
  await arrow(page, SYN_ACK).focus();
  await page.keyboard.press("d");
  await page.getByLabel("beside it:").selectOption("a");
  const [upper, lower] = [page.locator(".ladder").nth(0), page.locator(".ladder").nth(1)];
  await lower.locator("[data-frame]").first().waitFor();
  const [above, below] = [await upper.boundingBox(), await lower.boundingBox()];
  assert.equal(below.y >= above.y + above.height, true);
  assert.equal(below.x + below.width <= 390, true);
}, { viewport: { width: 390, height: 844 } });

withBothEngines("two branches stand side by side", "scenario=handshake", async (page) => {
  await arrow(page, SYN_ACK).focus();
  await page.keyboard.press("d");
  await checkBranch(page);
  await page.getByLabel("beside it:").selectOption("a");
  const [left, right] = [page.locator(".ladder").nth(0), page.locator(".ladder").nth(1)];
  await right.locator("[data-frame]").first().waitFor();
  const lost = async (ladder) => (await arrows(page, ladder)).filter((label) => /lost$/.test(label)).length;
  assert.deepEqual([await lost(left), await lost(right)], [1, 0]);
  await page.getByRole("button", { name: /they part at step/ }).click();
  // Run a is current again, then the branch is removed.
  await page.getByRole("button", { name: "remove run b" }).click();
  await page.getByRole("navigation", { name: "runs" }).waitFor({ state: "hidden" });
  await right.waitFor({ state: "hidden" });
});

withBothEngines("the switches show more of the run", "scenario=handshake", async (page) => {
  const ladder = page.locator(".ladder").first();
  const texts = () => ladder.locator("svg").textContent();
  const before = await arrows(page);
  assert.equal(before.some((label) => /\bARP\b/.test(label)), false);
  await page.getByRole("checkbox", { name: "ARP" }).check();
  await arrow(page, /\bARP\b/).waitFor();
  await page.getByRole("checkbox", { name: "ARP" }).uncheck();
  assert.equal(/ mss=/.test(await texts()), false);
  await page.getByRole("checkbox", { name: "options" }).check();
  await ladder.getByText(/ mss=\d/).first().waitFor();
  const plain = await texts();
  await page.getByRole("checkbox", { name: "raw numbers" }).check();
  await page.waitForFunction((plain) => document.querySelector(".ladder svg").textContent !== plain, plain);
  const notes = await ladder.locator(".note").count();
  await page.getByRole("checkbox", { name: "clock" }).check();
  await page.waitForFunction((notes) => document.querySelectorAll(".ladder .note").length > notes, notes);
});

withBothEngines("a label that is cut is whole for the pointer and for a screen reader", "scenario=handshake", async (page) => {
  for (const name of ["options", "raw numbers"]) await page.getByRole("checkbox", { name }).check();
  const all = page.locator("[data-frame]", { hasText: /SYN/ });
  await page.waitForFunction(() => /seq=\d{4}/.test(document.querySelector(".ladder svg").textContent));
  const labels = await all.evaluateAll((frames) => frames.map((frame) => {
    const [words, title] = [frame.querySelector("text").firstChild.data, frame.querySelector("title")?.textContent];
    return { words, title, spoken: frame.getAttribute("aria-label") };
  }));
  assert.equal(labels.length > 1, true);
  for (const { words, title, spoken } of labels) {
    if (words.endsWith("…")) assert.match(title ?? "", / mss=\d+ ws=\d+$/);
    assert.match(spoken, /^#\d+ .*SYN.* seq=\d{4,} .*mss=\d+ ws=\d+, /);
  }
  assert.equal(labels.some(({ words }) => words.endsWith("…")), true);
}, { viewport: { width: 1000, height: 720 } });

withBothEngines("the wait for the retransmission is folded", "scenario=lost-synack", async (page) => {
  await page.locator(".fold-text").first().waitFor();
  await tab(page, "States");
});

withBothEngines("in a crowd, arrows cross no label, and frames in flight are above the labels", "scenario=shared-bottleneck", async (page) => {
  const line = page.getByLabel("command, as in the terminal");
  await line.fill("until step=80");
  await line.press("Enter");
  await waitForStep(page, { at: 80 });
  await page.locator("[data-mark] .packet").first().waitFor();
  await drawn(page);
  const { labels, bare, marks, covered } = await page.evaluate(() => {
    const scroller = document.querySelector(".ladder-scroll").getBoundingClientRect();
    const isSeen = ({ left, right, top, bottom }) =>
      left > scroller.left && right < scroller.right && top > scroller.top && bottom < scroller.bottom;
    // Of each frame, the ground of the label is as large as its text.
    const frames = [...document.querySelectorAll("[data-frame]")];
    const boxes = frames.map((frame) => [".under", "text"].map((part) => frame.querySelector(part).getBoundingClientRect()));
    const isBare = ([ground, text]) => text.left < ground.left - 1 || text.right > ground.right + 1;
    // A mark is hit in front of all labels.
    const packets = [...document.querySelectorAll("[data-mark] .packet")].filter((packet) => isSeen(packet.getBoundingClientRect()));
    const isCovered = (packet) => {
      const { left, top, width, height } = packet.getBoundingClientRect();
      return !document.elementFromPoint(left + width / 2, top + height / 2).closest("[data-mark]");
    };
    return { labels: boxes.length, bare: boxes.filter(isBare).length, marks: packets.length, covered: packets.filter(isCovered).length };
  });
  assert.equal(labels > 10 && marks > 3, true, `${labels} labels, ${marks} marks`);
  assert.deepEqual([bare, covered], [0, 0]);
  // A mark is grabbed as its frame is.
  const mark = page.locator("[data-mark]", { has: page.locator(".packet") }).first();
  const frame = await mark.getAttribute("data-mark");
  await mark.locator(".packet").click({ force: true });
  await page.getByRole("group", { name: "what happens to this frame" }).first().getByRole("button", { name: "drop" }).waitFor();
  await page.locator(`[data-frame="${frame}"].selected`).waitFor();
});
