// The page in Chinese: by the language of the browser, and by its button.

import assert from "node:assert/strict";
import { pause, withBothEngines } from "./lab.mjs";

/** Waits until the parts of the page that have text are in Chinese. */
async function checkChinese(page) {
  await page.waitForFunction(() => {
    const parts = ["[role=tab]", ".place", ".why", ".toggles"].map((part) => document.querySelector(part)?.textContent);
    const isChinese = [document.title, ...parts].every((text) => /\p{Script=Han}/u.test(text ?? ""));
    return isChinese && document.documentElement.lang.startsWith("zh");
  });
}

withBothEngines("a browser in Chinese gets the page in Chinese", "scenario=handshake", checkChinese, { locale: "zh-CN" });

withBothEngines(
  "a scenario has its title and its texts in Chinese",
  "scenario=slow-start",
  async (page) => {
    await checkChinese(page);
    const { titles, texts } = await page.evaluate(() => ({
      titles: [".subtitle", ".chooser option"].flatMap((part) => [...document.querySelectorAll(part)].map((node) => node.textContent)),
      texts: [...document.querySelectorAll(".why-list > p")].map((node) => node.textContent),
    }));
    const isChinese = (text) => /\p{Script=Han}/u.test(text);
    // A program has only its name.
    assert.deepEqual(titles.filter((title) => title.includes(" ") && !isChinese(title)), []);
    assert.equal(titles.filter(isChinese).length > 45, true);
    assert.equal(texts.length > 2 && texts.every(isChinese), true, texts.join("\n"));
  },
  { locale: "zh-CN" },
);

withBothEngines("a button changes the language", "scenario=handshake", async (page) => {
  await page.getByRole("button", { name: "中文" }).click();
  await checkChinese(page);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("tab", { name: "States" }).waitFor();
});

withBothEngines("the run does not play on in another language", "scenario=lost-synack", async (page) => {
  await page.getByRole("button", { name: "play (space)" }).click();
  await page.getByRole("button", { name: "中文" }).click();
  await checkChinese(page);
  await page.keyboard.press("Home");
  await page.waitForFunction(() => / 0\//.test(document.querySelector(".place").textContent));
  // This wait is longer than the pause between two steps.
  await pause(page, 1000);
  assert.match(await page.locator(".place").textContent(), / 0\//);
});
