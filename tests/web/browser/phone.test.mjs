// The page on a phone: a narrow screen, and fingers instead of a mouse.

import assert from "node:assert/strict";
import { arrow, drawn, step, withBothEngines, waitForStep } from "./lab.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const SYN_ACK = /\bSYN,ACK\b/;

/** Drags a finger from one point to another. Playwright itself only taps. */
async function drag(page, from, to) {
  const devtools = await page.context().newCDPSession(page);
  const touch = (type, points) => devtools.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  await touch("touchStart", [from]);
  for (let part = 1; part <= 8; part++) {
    const between = (a, b) => a + ((b - a) * part) / 8;
    await touch("touchMove", [{ x: between(from.x, to.x), y: between(from.y, to.y) }]);
  }
  await touch("touchEnd", []);
}

const centre = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });

withBothEngines("a finger drags the SYN,ACK to the field that drops it", "scenario=handshake", async (page) => {
  await drawn(page);
  const line = arrow(page, SYN_ACK).locator(".hit");
  await line.scrollIntoViewIfNeeded();
  // The first tap shows where the field is.
  const from = centre(await line.boundingBox());
  await page.touchscreen.tap(from.x, from.y);
  const zone = page.locator(".grab:not([hidden]) [data-fault=drop]");
  await zone.waitFor();
  await drag(page, from, centre(await zone.boundingBox()));
  await page.getByRole("navigation", { name: "runs" }).waitFor();
  await page.locator("[data-frame].lost").first().waitFor();
}, PHONE);

withBothEngines("a finger beside the arrows scrolls the ladder", "scenario=slow-start", async (page) => {
  await drawn(page);
  const { x, y, height } = await page.locator(".ladder-scroll").first().boundingBox();
  await drag(page, { x: x + 12, y: y + height - 60 }, { x: x + 12, y: y + 60 });
  await page.waitForFunction(() => document.querySelector(".ladder-scroll").scrollTop > 0 || scrollY > 0);
  assert.equal(await page.getByRole("navigation", { name: "runs" }).isHidden(), true);
}, PHONE);

withBothEngines("until, goto and inject are typed on a phone, too", "scenario=handshake", async (page) => {
  const line = page.getByLabel("command, as in the terminal");
  await line.tap();
  const send = async (words) => {
    await page.keyboard.type(words);
    await page.keyboard.press("Enter");
  };
  await send("goto 4");
  await waitForStep(page, { at: 4 });
  await send("until client=ESTABLISHED");
  await waitForStep(page, { above: 4 });
  assert.equal((await step(page)) > 4, true);
  await send("inject client < R 1:1(0)");
  await page.locator("[data-frame].forged").first().waitFor();
  // Nothing is wider than the screen.
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
}, PHONE);
