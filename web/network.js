// Sliders for the cable and the hosts. A change starts the experiment again.
import { LabError } from "./engine.js";
import { editing, element, setText } from "./dom.js";
import { rate, span } from "./format.js";
import { text } from "./text.js";
const bytes = (value) => `${value.toLocaleString("en")} B`;
const SLIDERS = [
    { key: "latency_us", name: "latency", values: [1, 10, 100, 500, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3, 100e3, 200e3, 300e3], write: span },
    { key: "jitter_us", name: "jitter", values: [0, 100, 500, 1e3, 2e3, 5e3, 10e3, 20e3, 50e3], write: span },
    { key: "rate_bit_s", name: "rate", values: [64e3, 256e3, 1e6, 2e6, 5e6, 10e6, 50e6, 100e6, 1e9, null], write: rate },
    { key: "queue", name: "queue", values: [1, 2, 3, 5, 8, 12, 20, 30, 50, null], write: String },
    { key: "loss_percent", name: "loss", values: [0, 0.5, 1, 2, 3, 5, 8, 10, 15, 20, 30, 50], write: (value) => `${value}%` },
    { key: "buffer", name: "buffer", values: [512, 1024, 2048, 4096, 8192, 16384, 32768, 65535, 131072, 262144, 1048576], write: bytes },
    { key: "mtu", name: "mtu", values: [576, 800, 1000, 1280, 1400, 1500], write: bytes },
    { key: "router_mtu", name: "routerMtu", values: [576, 800, 1000, 1280, 1400, null], write: bytes },
    { key: "ack_delay_us", name: "ackDelay", values: [0, 10e3, 40e3, 100e3, 200e3, 500e3], write: span },
];
const CONGESTION = ["none", "reno", "cubic"];
export function networkPanel(app) {
    // After an error, the controls show the settings in force again.
    const change = (settings, seed) => void app.change(settings, seed).then(refresh);
    const rows = SLIDERS.map((slider) => row(slider, change));
    const congestion = element("select", {});
    congestion.append(...CONGESTION.map((name) => new Option(name, name)));
    congestion.addEventListener("change", () => change({ congestion: congestion.value }));
    const nagle = element("input", { type: "checkbox", change: () => change({ nagle: nagle.checked }) });
    const seed = element("input", { type: "number", min: 0, step: 1 });
    const isSeedEdited = editing(seed);
    seed.addEventListener("change", () => {
        const value = Number(seed.value);
        if (seed.value !== "" && Number.isSafeInteger(value) && value >= 0) {
            change({}, value);
        }
        else {
            app.fail(new LabError(text("seedWrong")));
            refresh();
        }
    });
    const reset = element("button", { type: "button", click: () => void app.open(withoutSettings(app)) }, text("asInFile"));
    const root = element("section", { class: "network", "aria-label": text("network") }, element("p", { class: "hint" }, text("networkHint")), ...rows.map((row) => row.root), element("label", { class: "setting" }, element("span", {}, text("congestion")), congestion), element("label", { class: "setting" }, element("span", {}, text("nagle")), nagle), element("label", { class: "setting" }, element("span", {}, text("seed")), seed), reset);
    /** Shows the settings in force, unless the reader has chosen others meanwhile. */
    function refresh() {
        if (app.isChanging)
            return;
        const settings = app.experiment?.settings ?? {};
        for (const row of rows)
            row.set(settings);
        congestion.value = settings.congestion ?? "cubic";
        nagle.checked = settings.nagle ?? false;
        if (!isSeedEdited())
            seed.value = String(app.experiment?.seed ?? "");
    }
    function update(kind) {
        if (kind === "experiment")
            refresh();
    }
    return { root, update };
}
function row({ key, name, values, write }, change) {
    const input = element("input", { type: "range", min: 0, max: values.length - 1 });
    const output = element("output", {});
    const shown = (value) => {
        if (value !== null)
            return write(value);
        return text(key === "buffer" ? "differ" : "noLimit");
    };
    const chosen = () => values[Number(input.value)] ?? null;
    input.addEventListener("input", () => setText(output, shown(chosen())));
    input.addEventListener("change", () => change({ [key]: chosen() }));
    const isEdited = editing(input);
    return {
        root: element("label", { class: "setting" }, element("span", {}, text(name)), input, output),
        set(settings) {
            if (isEdited())
                return;
            // If the file sets a value between two values of the slider, the exact value is shown.
            const value = settings[key] ?? null;
            const place = value === null ? -1 : values.findIndex((other) => other !== null && other >= value);
            input.value = String(place < 0 ? values.length - 1 : place);
            setText(output, shown(value));
            input.setAttribute("aria-valuetext", shown(value));
        },
    };
}
function withoutSettings(app) {
    const { settings: _settings, seed: _seed, ...source } = app.source;
    return source;
}
