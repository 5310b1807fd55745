// Moves through the run: play, step, back, the next event of a kind, and a slider over the whole run.
import { element, setText } from "./dom.js";
import { span } from "./format.js";
import { isShown } from "./layout.js";
import { text } from "./text.js";
/** The possible times between two steps during play, in milliseconds. */
const PACES = [1600, 800, 400, 150, 40];
/** The events that have a button, as the command `until` names them. */
const GOALS = [
    ["nextPacket", "packet"],
    ["nextState", "state"],
    ["nextLoss", "loss"],
];
export class Controls {
    app;
    root;
    play = element("button", { type: "button", class: "play", click: () => this.toggle() });
    slider = element("input", { type: "range", min: 0, value: 0, class: "run-slider" });
    place = element("output", { class: "place" });
    timer;
    pace = 2;
    /** Whether a pointer holds the slider. Meanwhile the run does not play on, which would move the slider away. */
    isHeld = false;
    constructor(app) {
        this.app = app;
        const { slider } = this;
        slider.setAttribute("aria-label", text("place"));
        slider.addEventListener("input", () => void app.go(Number(slider.value)));
        slider.addEventListener("pointerdown", (event) => (this.isHeld = event.button === 0));
        for (const end of ["pointerup", "pointercancel", "blur"])
            slider.addEventListener(end, () => (this.isHeld = false));
        const pace = element("input", { type: "range", min: 0, max: PACES.length - 1, value: this.pace, class: "pace" });
        pace.setAttribute("aria-label", text("pace"));
        pace.title = text("pace");
        pace.addEventListener("input", () => (this.pace = Number(pace.value)));
        this.root = element("div", { class: "controls", role: "toolbar", "aria-label": text("controls") }, button("first", "|◀", () => void app.go(0)), button("back", "◀", () => this.back()), this.play, button("stepOn", "▶|", () => this.step()), button("last", "▶▶|", () => void app.go(app.run.steps)), pace, ...GOALS.map(([key, goal]) => element("button", { type: "button", click: () => void this.until(goal) }, text(key))), slider, this.place);
        this.drawPlay();
    }
    update() {
        const { app, slider } = this;
        slider.max = String(app.run.steps);
        slider.value = String(app.step);
        const time = span(app.trace.timeOf(app.step));
        slider.setAttribute("aria-valuetext", `${text("step")} ${app.step}, ${time}`);
        setText(this.place, `${text("step")} ${app.step}/${app.run.steps} · ${time}`);
        if (app.step >= app.run.steps)
            this.stop();
    }
    /** Goes to the next step that shows something. */
    step() {
        const { trace, step, shown } = this.app;
        const { entries } = trace;
        for (let place = trace.lastOf(step) + 1; place < entries.length; place++) {
            const entry = entries[place];
            if (entry && isShown(entry, shown)) {
                void this.app.go(entry.step);
                return;
            }
        }
        void this.app.go(trace.isWhole ? trace.run.steps : step + 1);
    }
    /** Goes back to the step before this one that shows something. */
    back() {
        const { trace, step, shown } = this.app;
        for (let place = trace.lastOf(step - 1); place >= 0; place--) {
            const entry = trace.entries[place];
            if (entry && isShown(entry, shown)) {
                void this.app.go(entry.step);
                return;
            }
        }
        void this.app.go(0);
    }
    toggle() {
        if (this.timer !== undefined) {
            this.stop();
            return;
        }
        if (this.app.step >= this.app.run.steps)
            void this.app.go(0);
        this.next();
        this.drawPlay();
    }
    stop() {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.drawPlay();
    }
    async until(goal) {
        const found = await this.app.until(goal);
        if (!found && !this.app.error)
            setText(this.place, text("noSuchEvent"));
    }
    next() {
        this.timer = setTimeout(() => {
            if (!this.isHeld)
                this.step();
            if (this.timer !== undefined)
                this.next();
        }, PACES[this.pace]);
    }
    drawPlay() {
        const isPlaying = this.timer !== undefined;
        setText(this.play, isPlaying ? "❚❚" : "▶");
        const name = text(isPlaying ? "pause" : "play");
        this.play.setAttribute("aria-label", name);
        this.play.title = name;
    }
}
function button(key, sign, click) {
    const name = text(key);
    return element("button", { type: "button", "aria-label": name, title: name, click }, sign);
}
