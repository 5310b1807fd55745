// Panels behind tabs, which the arrow keys move between.
import { element } from "./dom.js";
export class Tabs {
    tabs;
    opened;
    root;
    buttons;
    pages;
    current = "";
    constructor(tabs, label, opened) {
        this.tabs = tabs;
        this.opened = opened;
        this.buttons = tabs.map(({ id, name }) => element("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `page-${id}`, click: () => this.open(id) }, name));
        this.pages = tabs.map(({ id, panels }) => element("div", { role: "tabpanel", id: `page-${id}`, "aria-labelledby": `tab-${id}`, tabindex: 0, hidden: true }, ...panels.map((panel) => panel.root)));
        const list = element("div", { role: "tablist", "aria-label": label }, ...this.buttons);
        list.addEventListener("keydown", (event) => this.onKey(event));
        this.root = element("div", { class: "tabs" }, list, ...this.pages);
    }
    open(id) {
        this.current = id;
        this.tabs.forEach((tab, place) => {
            const isOpen = tab.id === id;
            const [button, page] = [this.buttons[place], this.pages[place]];
            button?.setAttribute("aria-selected", String(isOpen));
            button?.setAttribute("tabindex", isOpen ? "0" : "-1");
            if (page)
                page.hidden = !isOpen;
            // While the panel was hidden, it can have missed changes.
            if (isOpen)
                for (const panel of tab.panels)
                    panel.update("step");
        });
        this.opened(id);
    }
    update(change) {
        for (const { id, panels } of this.tabs) {
            // A step changes only what is visible.
            if (change === "step" && id !== this.current)
                continue;
            for (const panel of panels)
                panel.update(change);
        }
    }
    onKey(event) {
        const at = this.buttons.indexOf(event.target);
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (at < 0 || by === undefined)
            return;
        event.preventDefault();
        const next = (at + by + this.tabs.length) % this.tabs.length;
        this.open(this.tabs[next]?.id ?? "");
        this.buttons[next]?.focus();
    }
}
