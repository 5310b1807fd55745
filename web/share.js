// Exports: the link, pictures, captures, and the text of the experiment.
import { LabError } from "./engine.js";
import { download, element } from "./dom.js";
import { fromBase64Url, toFragment } from "./link.js";
import { text } from "./text.js";
/** The maximum width and height of a PNG in pixels. Browsers refuse larger canvases. */
const MOST_PIXELS = 16_000;
export class Share {
    app;
    ladder;
    graphs;
    root;
    note = element("p", { role: "status" });
    address = element("input", { type: "text", readonly: true, hidden: true });
    constructor(app, ladder, graphs) {
        this.app = app;
        this.ladder = ladder;
        this.graphs = graphs;
        this.address.setAttribute("aria-label", text("link"));
        const button = (key, click) => element("button", { type: "button", click: () => void click() }, text(key));
        this.root = element("section", { class: "share", "aria-label": text("share") }, element("h3", {}, text("link")), element("p", { class: "hint" }, text("linkHint")), button("makeLink", () => this.link()), this.address, this.note, element("h3", {}, text("picture")), element("p", { class: "hint" }, text("pictureHint")), button("ladderSvg", () => this.svg(this.ladderRequest())), button("ladderPng", () => this.png(this.ladderRequest())), button("graphSvg", () => this.svg(this.graphs.request())), button("graphPng", () => this.png(this.graphs.request())), button("statesSvg", () => this.svg(this.statesRequest())), button("statesPng", () => this.png(this.statesRequest())), element("h3", {}, text("data")), button("savePcap", () => this.pcap()), button("saveJson", () => this.json()), button("saveLab", () => this.lab()), button("saveMermaid", () => this.mermaid()));
    }
    update() {
        // The link was for an earlier state of the page, so it is hidden.
        this.address.hidden = true;
        this.note.textContent = "";
    }
    async pcap() {
        const { app } = this;
        const answer = await app.ask({ do: "pcapng", run: app.current });
        if (answer)
            download(`${this.name()}.pcapng`, "application/x-pcapng", fromBase64Url(answer.base64.replace(/=+$/, "")));
    }
    async link() {
        const { app, address, note } = this;
        const answer = await app.ask({ do: "export", run: app.current });
        if (!answer)
            return;
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
    ladderRequest() {
        return { do: "svg", run: this.app.current, kind: "ladder", ...this.app.shown, ...this.ladder.visible() };
    }
    statesRequest() {
        return { do: "svg", run: this.app.current, kind: "states", step: this.app.step };
    }
    async svg(request) {
        const answer = await this.app.ask(request);
        if (answer)
            download(`${this.name(request)}.svg`, "image/svg+xml", answer.svg);
    }
    async png(request) {
        const answer = await this.app.ask(request);
        if (!answer)
            return;
        try {
            download(`${this.name(request)}.png`, "image/png", await rasterize(answer.svg));
        }
        catch {
            this.app.fail(new LabError(text("pngFailed")));
        }
    }
    /** Saves the lines that `smolstep lab --json` writes, with the additional fields of the session. */
    async json() {
        const { app } = this;
        const { trace } = app;
        const lines = [];
        while (lines.length < trace.run.entries) {
            const command = { do: "trace", run: app.current, from: lines.length, count: 5000 };
            const answer = await app.ask(command);
            if (!answer || answer.entries.length === 0)
                return;
            for (const entry of answer.entries)
                lines.push(`${JSON.stringify(entry)}\n`);
        }
        download(`${this.name()}.json`, "application/json", lines.join(""));
    }
    async lab() {
        const answer = await this.app.ask({ do: "export", run: this.app.current });
        if (answer)
            download(`${this.name()}.lab`, "text/plain", answer.lab);
    }
    async mermaid() {
        const answer = await this.app.ask({ do: "mermaid", run: this.app.current });
        if (answer)
            download(`${this.name()}.mmd`, "text/plain", answer.text);
    }
    /** Returns the name of a file without its ending. Pictures are named by their kind. */
    name({ kind } = {}) {
        const { source, experiment, current, runs } = this.app;
        const name = source.scenario ?? source.exercise ?? source.program ?? experiment?.name ?? this.app.file ?? "experiment";
        const base = name.replace(/^.*\//, "").replace(/\.lab$/, "").replace(/[^\w-]+/g, "-");
        return [base, ...(runs.size > 1 ? [current] : []), ...(kind === undefined ? [] : [kind])].join("-");
    }
}
/** Returns whether other machines cannot open the address of this page. */
function isLocal() {
    return /^(127\.|localhost$|\[::1\]$)/.test(location.hostname);
}
async function copied(address) {
    try {
        await navigator.clipboard.writeText(address);
        return text("copied");
    }
    catch {
        return text("copyIt");
    }
}
/** Draws an SVG on a canvas, and returns it as PNG. */
async function rasterize(svg) {
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
    }
    finally {
        URL.revokeObjectURL(url);
    }
}
