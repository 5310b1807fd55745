// Exports: the link, pictures, captures, and the text of the experiment.

import type { App, Panel } from "./app.js";
import { LabError } from "./engine.js";
import { download, element } from "./dom.js";
import type { Drawing, Graphs } from "./graphs.js";
import type { Ladder } from "./ladder.js";
import { fromBase64Url, toFragment } from "./link.js";
import { text, type Key } from "./text.js";
import type { Entry } from "./types.js";

/** The maximum width and height of a PNG in pixels. Browsers refuse larger canvases. */
const MOST_PIXELS = 16_000;

export class Share implements Panel {
  readonly root: HTMLElement;
  private readonly note = element("p", { role: "status" });
  private readonly address = element("input", { type: "text", readonly: true, hidden: true });

  constructor(
    private readonly app: App,
    private readonly ladder: Ladder,
    private readonly graphs: Graphs,
  ) {
    this.address.setAttribute("aria-label", text("link"));
    const button = (key: Key, click: () => Promise<void>) =>
      element("button", { type: "button", click: () => void click() }, text(key));
    this.root = element(
      "section",
      { class: "share", "aria-label": text("share") },
      element("h3", {}, text("link")),
      element("p", { class: "hint" }, text("linkHint")),
      button("makeLink", () => this.link()),
      this.address,
      this.note,
      element("h3", {}, text("picture")),
      element("p", { class: "hint" }, text("pictureHint")),
      button("ladderSvg", () => this.svg(this.ladderRequest())),
      button("ladderPng", () => this.png(this.ladderRequest())),
      button("graphSvg", () => this.svg(this.graphs.request())),
      button("graphPng", () => this.png(this.graphs.request())),
      button("statesSvg", () => this.svg(this.statesRequest())),
      button("statesPng", () => this.png(this.statesRequest())),
      element("h3", {}, text("data")),
      button("savePcap", () => this.pcap()),
      button("saveJson", () => this.json()),
      button("saveLab", () => this.lab()),
      button("saveMermaid", () => this.mermaid()),
    );
  }

  update(): void {
    // The link was for an earlier state of the page, so it is hidden.
    this.address.hidden = true;
    this.note.textContent = "";
  }

  async pcap(): Promise<void> {
    const { app } = this;
    const answer = await app.ask<{ base64: string }>({ do: "pcapng", run: app.current });
    if (answer) download(`${this.name()}.pcapng`, "application/x-pcapng", fromBase64Url(answer.base64.replace(/=+$/, "")));
  }

  private async link(): Promise<void> {
    const { app, address, note } = this;
    const answer = await app.ask<{ lab: string }>({ do: "export", run: app.current });
    if (!answer) return;
    const fragment = await toFragment(answer.lab);
    address.hidden = fragment === undefined;
    if (fragment === undefined) {
      note.textContent = text("linkTooLong");
      return;
    }
    history.replaceState(null, "", `#${fragment}`);
    address.value = location.href;
    address.select();
    const words = await copied(location.href);
    note.textContent = isLocal() ? `${words} ${text("linkIsLocal")}` : words;
  }

  private ladderRequest(): Drawing {
    return { do: "svg", run: this.app.current, kind: "ladder", ...this.app.shown, ...this.ladder.visible() };
  }

  private statesRequest(): Drawing {
    return { do: "svg", run: this.app.current, kind: "states", step: this.app.step };
  }

  private async svg(request: Drawing): Promise<void> {
    const answer = await this.app.ask<{ svg: string }>(request);
    if (answer) download(`${this.name(request)}.svg`, "image/svg+xml", answer.svg);
  }

  private async png(request: Drawing): Promise<void> {
    const answer = await this.app.ask<{ svg: string }>(request);
    if (!answer) return;
    try {
      download(`${this.name(request)}.png`, "image/png", await rasterize(answer.svg));
    } catch {
      this.app.fail(new LabError(text("pngFailed")));
    }
  }

  /** Saves the lines that `smolstep lab --json` writes, with the additional fields of the session. */
  private async json(): Promise<void> {
    const { app } = this;
    const { trace } = app;
    const lines: string[] = [];
    while (lines.length < trace.run.entries) {
      const command = { do: "trace", run: app.current, from: lines.length, count: 5000 };
      const answer = await app.ask<{ entries: Entry[] }>(command);
      if (!answer || answer.entries.length === 0) return;
      for (const entry of answer.entries) lines.push(`${JSON.stringify(entry)}\n`);
    }
    download(`${this.name()}.json`, "application/json", lines.join(""));
  }

  private async lab(): Promise<void> {
    const answer = await this.app.ask<{ lab: string }>({ do: "export", run: this.app.current });
    if (answer) download(`${this.name()}.lab`, "text/plain", answer.lab);
  }

  private async mermaid(): Promise<void> {
    const answer = await this.app.ask<{ text: string }>({ do: "mermaid", run: this.app.current });
    if (answer) download(`${this.name()}.mmd`, "text/plain", answer.text);
  }

  /** Returns the name of a file without its ending. Pictures are named by their kind. */
  private name({ kind }: { kind?: string } = {}): string {
    const { source, experiment, current, runs } = this.app;
    const name = source.scenario ?? source.exercise ?? source.program ?? experiment?.name ?? this.app.file ?? "experiment";
    const base = name.replace(/^.*\//, "").replace(/\.lab$/, "").replace(/[^\w-]+/g, "-");
    return [base, ...(runs.size > 1 ? [current] : []), ...(kind === undefined ? [] : [kind])].join("-");
  }
}

/** Returns whether other machines cannot open the address of this page. */
function isLocal(): boolean {
  return /^(127\.|localhost$|\[::1\]$)/.test(location.hostname);
}

async function copied(address: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(address);
    return text("copied");
  } catch {
    return text("copyIt");
  }
}

/** Draws an SVG on a canvas, and returns it as PNG. */
async function rasterize(svg: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const scale = Math.min(2, MOST_PIXELS / Math.max(image.width, image.height, 1));
    const canvas = element("canvas", { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
