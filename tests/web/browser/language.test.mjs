// The page in Chinese: by the language of the browser, and by its button.

import { throughBothDoors } from "./lab.mjs";

/** Waits until the parts of the page that have text are in Chinese. */
async function checkChinese(page) {
  await page.waitForFunction(() => {
    const parts = ["[role=tab]", ".place", ".why", ".toggles"].map((part) => document.querySelector(part)?.textContent);
    const isChinese = [document.title, ...parts].every((text) => /\p{Script=Han}/u.test(text ?? ""));
    return isChinese && document.documentElement.lang.startsWith("zh");
  });
}

throughBothDoors("a browser in Chinese gets the page in Chinese", "scenario=handshake", checkChinese, { locale: "zh-CN" });

throughBothDoors("a button changes the language", "scenario=handshake", async (page) => {
  await page.getByRole("button", { name: "中文" }).click();
  await checkChinese(page);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("tab", { name: "States" }).waitFor();
});
