// Chooses the experiment: a scenario, an exercise, a program, or the reader's own text.

import type { App, Change, Panel } from "./app.js";
import { LabError } from "./engine.js";
import { element } from "./dom.js";
import { text, type Key } from "./text.js";
import type { Source } from "./types.js";

/** The longest file, in bytes: the limit of the lab. */
const MOST = 1 << 20;

/** The list of the lab's scenarios, exercises and programs. */
export function chooser(app: App): Panel {
  const choice = element("select", { class: "chooser" });
  choice.setAttribute("aria-label", text("experiment"));
  choice.addEventListener("change", () => {
    const [kind, name] = choice.value.split(" ", 2);
    // After an error, the list shows the current experiment again.
    if (kind && name) void app.open({ [kind]: name } as Source).then(() => update("experiment"));
  });

  function group(key: Key, kind: string, items: { name: string; title: string }[]): HTMLElement {
    const options = items.map(({ name, title }) => new Option(title === name ? name : `${name} — ${title}`, `${kind} ${name}`));
    return element("optgroup", { label: text(key) }, ...options);
  }

  function update(change: Change): void {
    if (change !== "experiment" || app.isChanging) return;
    const { scenarios, exercises, programs } = app.lists;
    const { scenario, exercise, program } = app.source;
    const current = scenario ? `scenario ${scenario}` : exercise ? `exercise ${exercise}` : program ? `program ${program}` : "";
    choice.replaceChildren(
      group("scenarios", "scenario", scenarios),
      group("exercises", "exercise", exercises),
      group("programs", "program", programs.map((name) => ({ name, title: name }))),
    );
    if (current === "") choice.prepend(new Option(app.file ?? text("ownFile"), ""));
    choice.value = current;
  }

  return { root: choice, update };
}

/** The text of the experiment, which can be edited, opened and run. */
export function editor(app: App): Panel {
  const area = element("textarea", { rows: 16, spellcheck: "false", maxlength: MOST });
  area.setAttribute("aria-label", text("labText"));
  const file = element("input", { type: "file", accept: ".lab,text/plain" });
  file.setAttribute("aria-label", text("openFile"));
  file.addEventListener("change", () => void openFile());
  const results = element("div", { class: "results" });
  const draft = element("p", { class: "hint", role: "status", hidden: true }, text("draftKept"));
  /** The text of the experiment that is shown. */
  let shown = "";
  area.addEventListener("input", () => {
    app.draft = area.value === shown ? undefined : { base: app.base, text: area.value };
  });
  const root = element(
    "section",
    { class: "editor", "aria-label": text("labText") },
    element("p", { class: "hint" }, text("editorHint")),
    element("label", { class: "file" }, text("openFile"), " ", file),
    draft,
    area,
    element("button", { type: "button", click: () => void run() }, text("runText")),
    results,
  );

  async function openFile(): Promise<void> {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    if (chosen.size > MOST) {
      app.fail(new LabError(text("textTooLong"), 1, 1));
      return;
    }
    area.value = new TextDecoder().decode(await chosen.arrayBuffer());
    app.file = chosen.name;
    file.value = "";
    await run();
  }

  async function run(): Promise<void> {
    const lab = area.value;
    // Until the run has begun, the text is a draft, which an answer for another experiment does not replace.
    app.draft = { base: app.base, text: lab };
    if (await app.open({ lab })) return;
    // The earlier experiment stays. The text stays, too, so that the reader can correct the error.
    const { line, column } = app.error ?? {};
    if (line === undefined) return;
    const start = lab.split("\n").slice(0, line - 1).reduce((sum, before) => sum + before.length + 1, 0);
    area.focus();
    area.setSelectionRange(start + (column ?? 1) - 1, start + (lab.split("\n")[line - 1]?.length ?? 0));
  }

  function update(change: Change): void {
    if (change === "experiment") {
      shown = app.experiment?.lab ?? "";
      if (app.draft?.base !== app.base || app.draft.text === shown) app.draft = undefined;
      area.value = app.draft?.text ?? shown;
      draft.hidden = app.draft === undefined;
    }
    if (change === "experiment" || change === "runs") results.replaceChildren(...outcome(app));
  }

  return { root, update };
}

/** Lists what the file expects, what the programs printed, and what failed. */
function outcome(app: App): HTMLElement[] {
  const { expectations, printed, failed, unmet, end } = app.run;
  const source = app.experiment?.lab.split("\n") ?? [];
  const list = (title: string, items: string[]) =>
    items.length === 0 ? [] : [element("h3", {}, title), element("ul", {}, ...items.map((item) => element("li", {}, item)))];
  const lines = printed.flatMap((words, side) =>
    words ? [element("h3", {}, `${text(side === 0 ? "client" : "server")} ${text("prints")}`), element("pre", {}, words)] : [],
  );
  return [
    ...(end === "limit" ? [element("p", { class: "verdict wrong" }, text("limitReached"))] : []),
    ...list(text("failed"), failed),
    ...list(text("unmet"), unmet.map((line) => `${line}: ${source[line - 1]?.trim() ?? ""}`)),
    ...list(text("expectations"), expectations.map(({ holds, text: words }) => `${holds ? "✓" : "✗"} ${words}`)),
    ...lines,
  ];
}
