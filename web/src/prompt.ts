// The commands of the terminal's prompt, typed in a line of the page or as single keys.

import type { App, Panel } from "./app.js";
import type { Controls } from "./controls.js";
import { LabError } from "./engine.js";
import { element, setText } from "./dom.js";
import { text } from "./text.js";
import { labelOf } from "./trace.js";
import { FAULTS, type Fault } from "./types.js";

/** What a command needs from the other panels. */
export interface Tools {
  controls: Controls;
  open(tab: string): void;
  savePcap(): void;
  help(): void;
}

/** The short names of commands. */
const SHORT: Record<string, string> = {
  u: "until",
  b: "back",
  g: "goto",
  d: "drop",
  i: "inject",
  s: "sockets",
  f: "frames",
  p: "save",
  h: "help",
  "?": "help",
};

export function promptPanel(app: App, tools: Tools): Panel {
  const line = element("input", {
    type: "text",
    class: "prompt-line",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 4096,
    enterkeyhint: "go",
    placeholder: "u ESTABLISHED",
    "aria-label": text("command"),
  });
  const form = element("form", { class: "prompt" }, element("label", {}, "> "), line);
  const earlier: string[] = [];
  let place = 0;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = line.value.trim();
    if (typed) earlier.push(typed);
    place = earlier.length;
    line.value = "";
    void execute(app, tools, typed);
  });
  line.addEventListener("keydown", (event) => {
    if (event.key === "Escape") line.blur();
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    place = Math.max(0, Math.min(earlier.length, place + (event.key === "ArrowUp" ? -1 : 1)));
    line.value = earlier[place] ?? "";
    event.preventDefault();
  });
  listenForKeys(app, tools, line);
  return { root: form, update: () => undefined };
}

/** Executes a line. An error is shown as one line, and changes nothing. */
export async function execute(app: App, tools: Tools, line: string): Promise<void> {
  app.fail(undefined);
  const [first = "", ...words] = line.trim().split(/\s+/);
  if (first === "" || /^\d+$/.test(first)) {
    await app.go(app.step + (first === "" ? 1 : Number(first)));
    return;
  }
  const name = SHORT[first.toLowerCase()] ?? first.toLowerCase();
  const rest = line.trim().slice(first.length).trim();
  const number = words[0] !== undefined && /^\d+$/.test(words[0]) ? Number(words[0]) : undefined;
  if (isFault(name)) {
    const frame = number ?? lastInFlight(app);
    const delay = words.find((word) => /s$/.test(word));
    if (frame === undefined) app.fail(new LabError(text("noneInFlight")));
    else await app.fault(frame, name, delay);
    return;
  }
  switch (name) {
    case "step":
      return app.go(app.step + (number ?? 1));
    case "back":
      return app.go(app.step - 1);
    case "goto":
      return number === undefined ? app.fail(new LabError("goto STEP, as in goto 12")) : app.go(number);
    case "until":
      return tools.controls.until(rest);
    case "inject":
      return inject(app, rest);
    case "branch":
      return words[0] ? app.show(words[0]) : app.fail(new LabError(text("branchHint")));
    case "compare":
      return app.compare(words[0] ?? [...app.runs.keys()].find((run) => run !== app.current));
    case "sockets":
      return tools.open("numbers");
    case "frames":
      return tools.open("frame");
    case "branches":
      return tools.open("state");
    case "save":
      return tools.savePcap();
    case "help":
      return tools.help();
    default:
      app.fail(new LabError(`'${first.slice(0, 40)}' ${text("notUnderstood")}`));
  }
}

/** Injects a segment. After <, it arrives at the named host, as in packetdrill; after >, at the other host. */
function inject(app: App, rest: string): Promise<void> | void {
  const found = /^(client|server)\s*([<>])\s*(.+)$/i.exec(rest);
  if (!found) return app.fail(new LabError("inject client < SEGMENT, as in inject client < R 1:1(0)"));
  const [, host = "", sign, segment = ""] = found;
  const named = host.toLowerCase();
  const other = named === "client" ? "server" : "client";
  // The session expects the host that the segment claims to be from.
  return app.inject(sign === "<" ? other : named, segment);
}

function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}

/** Returns the frame in flight that was sent last. */
export function lastInFlight(app: App): number | undefined {
  return app.trace.inFlight(app.trace.lastOf(app.step)).at(-1)?.number;
}

/** Outside input fields, single keys do the same as the letters at the terminal's prompt. */
function listenForKeys(app: App, tools: Tools, line: HTMLInputElement): void {
  const begin = (words: string) => {
    line.value = words;
    line.focus();
  };
  const keys: Record<string, () => void> = {
    Enter: () => tools.controls.step(),
    n: () => tools.controls.step(),
    ArrowRight: () => tools.controls.step(),
    b: () => tools.controls.back(),
    ArrowLeft: () => tools.controls.back(),
    " ": () => tools.controls.toggle(),
    Home: () => void app.go(0),
    End: () => void app.go(app.run.steps),
    u: () => begin("until "),
    g: () => begin("goto "),
    i: () => begin("inject "),
    d: () => void execute(app, tools, "drop"),
    s: () => tools.open("numbers"),
    f: () => tools.open("frame"),
    p: () => tools.savePcap(),
    "?": () => tools.help(),
  };
  document.onkeydown = (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.closest("input, select, textarea, [contenteditable], dialog")) return;
    // These keys press the button or follow the link that has the focus, or move between tabs.
    if ((event.key === "Enter" || event.key === " ") && target.closest("button, a, summary, [role=button]")) return;
    if (event.key.startsWith("Arrow") && target.closest("[role=tablist]")) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
}

/** Builds the line that a screen reader reads after each step. */
export function announcer(app: App): Panel {
  const root = element("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  return {
    root,
    update() {
      const { entries } = app.trace.ofStep(app.step);
      const labels = entries.filter((entry) => entry.event !== "clock").map((entry) => `${entry.host}: ${labelOf(entry)}`);
      setText(root, `${text("step")} ${app.step}. ${labels.slice(0, 4).join(". ")}`);
    },
  };
}
