// The page in Chinese: by the language of the browser, and by its button.

import assert from "node:assert/strict";
import { throughBothDoors } from "./lab.mjs";

const HAN = /\p{Script=Han}/u;

/** Checks that the parts of the page that carry text are in Chinese. */
async function checkChinese(page) {
  await page.waitForFunction(() => document.documentElement.lang.startsWith("zh"));
  for (const part of [page.getByRole("tab").first(), page.locator(".place"), page.locator(".why"), page.locator(".toggles")]) {
    assert.match(await part.textContent(), HAN);
  }
  assert.match(await page.title(), HAN);
}

throughBothDoors("a browser in Chinese gets the page in Chinese", "scenario=handshake", checkChinese, { locale: "zh-CN" });

throughBothDoors("a button changes the language", "scenario=handshake", async (page) => {
  await page.getByRole("button", { name: "中文" }).click();
  await checkChinese(page);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("tab", { name: "States" }).waitFor();
});
