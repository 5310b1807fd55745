// Builds the page and starts the experiment that the address, the program or the reader asks for.
import { App } from "./app.js";
import { bytesPanel } from "./bytes.js";
import { chooser, editor } from "./choose.js";
import { controlPanel } from "./control.js";
import { Controls } from "./controls.js";
import { openEngine, LabError } from "./engine.js";
import { byId, element, setText } from "./dom.js";
import { exercisePanel } from "./exercise.js";
import { framePanel } from "./frame.js";
import { Grab } from "./grab.js";
import { Graphs } from "./graphs.js";
import { Ladder } from "./ladder.js";
import { fromFragment, namedIn } from "./link.js";
import { measure } from "./measure.js";
import { networkPanel } from "./network.js";
import { announcer, promptPanel } from "./prompt.js";
import { runsPanel } from "./runs.js";
import { Share } from "./share.js";
import { statesPanel } from "./states.js";
import { Tabs } from "./tabs.js";
import { language, recall, setLanguage, store, text } from "./text.js";
import { whyPanel } from "./why.js";
const THEME = "smolstep-theme";
void start();
async function start() {
    setLanguage(language());
    setTheme(recall(THEME));
    const error = byId("error");
    try {
        setText(byId("loading"), text("loading"));
        const { engine, source, file, lang } = await openEngine();
        if (lang === "en" || lang === "zh")
            setLanguage(lang);
        const app = new App(engine);
        app.file = file;
        await app.load();
        const { ladder } = build(app);
        await begin(app, source);
        addEventListener("hashchange", () => void begin(app, source));
        if (new URLSearchParams(location.search).has("measure"))
            await measure(app, ladder);
    }
    catch (failure) {
        error.hidden = false;
        setText(error, failure instanceof Error ? failure.message : String(failure));
    }
}
/** Opens the experiment that the fragment names, or else the program's experiment, or else the first scenario. */
async function begin(app, source) {
    const first = Object.keys(source).length > 0 ? source : { scenario: app.lists.scenarios[0]?.name ?? "handshake" };
    try {
        const lab = await fromFragment(location.hash);
        if (lab !== undefined && (await app.open({ lab })))
            return;
        const named = lab === undefined ? namedIn(location.hash) : undefined;
        if (named && (await app.open(named)))
            return;
        // The error is about the name, which begins after the equals sign.
        if (named && app.error)
            app.fail(new LabError(app.error.message, 1, location.hash.indexOf("=") + 1));
    }
    catch (error) {
        app.fail(error);
    }
    // The error stays visible while another experiment is shown.
    const { error } = app;
    if (app.experiment)
        return;
    await app.open(first);
    if (error)
        app.fail(error);
}
/** Builds all panels. Called again for another language. */
function build(app) {
    document.title = text("title");
    const ladder = new Ladder(app, { trace: () => app.trace, step: () => app.step }, text("ladder"));
    const other = new Ladder(app, { trace: () => app.runs.get(app.beside ?? ""), step: () => stepBeside(app) }, `${text("ladder")} 2`);
    new Grab(app, ladder, () => app.trace);
    new Grab(app, other, () => app.runs.get(app.beside ?? ""));
    const controls = new Controls(app);
    const graphs = new Graphs(app);
    const share = new Share(app, ladder, graphs);
    const tabs = new Tabs([
        { id: "state", name: text("state"), panels: [statesPanel(app)] },
        { id: "numbers", name: text("numbers"), panels: [controlPanel(app), bytesPanel(app)] },
        { id: "frame", name: text("frameTab"), panels: [framePanel(app)] },
        { id: "graphs", name: text("graphs"), panels: [graphs] },
        { id: "network", name: text("network"), panels: [networkPanel(app)] },
        { id: "exercise", name: text("exercise"), panels: [exercisePanel(app)] },
        { id: "file", name: text("file"), panels: [editor(app)] },
        { id: "share", name: text("share"), panels: [share] },
    ], text("tabs"), (id) => {
        app.tab = id;
        // The text of a graph is readable only if the graph is wide.
        document.body.classList.toggle("wide-side", id === "graphs");
    });
    const help = helpDialog();
    const tools = { controls, open: (id) => tabs.open(id), savePcap: () => void share.pcap(), help: () => help.showModal() };
    const prompt = promptPanel(app, tools);
    const [choice, runs, why, announce] = [chooser(app), runsPanel(app), whyPanel(app), announcer(app)];
    const title = element("h1", { class: "visually-hidden" }, text("title"));
    const subtitle = element("p", { class: "subtitle" });
    byId("header").replaceChildren(title, element("span", { class: "brand", "aria-hidden": "true" }, "smolstep"), choice.root, subtitle, corner(app, controls, help));
    byId("bar").setAttribute("aria-label", text("controls"));
    byId("bar").replaceChildren(controls.root, prompt.root);
    byId("ladders").replaceChildren(toggles(app), runs.root, element("div", { class: "pair" }, ladder.root, other.root));
    byId("side").replaceChildren(why.root, tabs.root, help, announce.root);
    byId("loading").hidden = true;
    tabs.open(app.tab);
    const panels = [controls, choice, runs, why, tabs, announce];
    const error = byId("error");
    let base = app.experiment && app.base;
    app.forgetListeners();
    app.listen((change) => {
        // A change of the settings or the language leaves the open tab.
        const isOther = change === "experiment" && base !== app.base;
        if (isOther && (app.experiment?.questions.length ?? 0) > 0)
            tabs.open("exercise");
        if (isOther)
            base = app.base;
        ladder.update(change);
        other.root.hidden = app.beside === undefined;
        document.body.classList.toggle("comparing", app.beside !== undefined);
        other.update(change);
        if (change !== "more")
            for (const panel of panels)
                panel.update(change);
        setText(subtitle, app.experiment?.title ?? "");
        error.hidden = app.error === undefined;
        setText(error, app.error ? errorText(app.error) : "");
    });
    return { ladder };
}
function errorText({ message, line, column }) {
    return line === undefined ? message : `${line}:${column ?? 1}: ${message}`;
}
/** Returns the step of the run beside the current run: the same step before they part, later the step at the same time. */
function stepBeside(app) {
    const trace = app.runs.get(app.beside ?? "");
    if (!trace)
        return 0;
    const time = app.trace.timeOf(app.step);
    if (trace.timeOf(app.step) === time)
        return app.step;
    return trace.stepAt(time);
}
/** Builds the switches that select what the ladder shows. */
function toggles(app) {
    const names = [
        ["background", "showArp"],
        ["clock", "showClock"],
        ["options", "showOptions"],
        ["raw", "showRaw"],
    ];
    const boxes = names.map(([name, key]) => {
        const box = element("input", { type: "checkbox" });
        box.checked = app.shown[name];
        box.addEventListener("change", () => {
            app.shown = { ...app.shown, [name]: box.checked };
            app.report("step");
        });
        return element("label", {}, box, text(key));
    });
    return element("div", { class: "toggles" }, ...boxes, element("span", { class: "hint" }, text("ladderHint")));
}
/** Builds the buttons for the language, the theme and the help. */
function corner(app, controls, help) {
    const changeLanguage = () => {
        // The new page gets new controls, which cannot stop the playing of the old ones.
        controls.stop();
        setLanguage(language() === "zh" ? "en" : "zh");
        build(app);
        void app.translate();
    };
    const changeTheme = () => {
        const { theme } = document.documentElement.dataset;
        const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
        setTheme(isDark ? "light" : "dark");
        store(THEME, isDark ? "light" : "dark");
    };
    return element("span", { class: "corner" }, element("button", { type: "button", class: "language", click: changeLanguage }, text("otherLanguage")), element("button", { type: "button", class: "theme", "aria-label": text("theme"), title: text("theme"), click: changeTheme }, "◐"), element("button", { type: "button", class: "help", "aria-label": text("help"), title: text("help"), click: () => help.showModal() }, "?"));
}
function setTheme(theme) {
    if (theme === "light" || theme === "dark")
        document.documentElement.dataset["theme"] = theme;
}
function helpDialog() {
    const dialog = element("dialog", { class: "help-text", "aria-label": text("help") });
    dialog.append(element("pre", {}, text("helpText")), element("button", { type: "button", click: () => dialog.close() }, text("close")));
    return dialog;
}
