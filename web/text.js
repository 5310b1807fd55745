// The words of the page, in the language of the reader. The session answers in the same language.
import { en } from "./text_en.js";
import { zh } from "./text_zh.js";
const TABLES = { en, zh };
const STORED = "smolstep-language";
let current = stored() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
/** Returns the words for a key. A key that is not in the table is returned as it is. */
export function text(key) {
    return TABLES[current][key] ?? key;
}
export function language() {
    return current;
}
export function setLanguage(next) {
    current = next;
    document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
    store(STORED, next);
}
/** Returns the name of a state, shortened as in a narrow terminal. */
export function stateName(state, isNarrow) {
    return isNarrow ? state.replace("ESTABLISHED", "ESTAB").replace("SYN-RECEIVED", "SYN-RCVD") : state;
}
/** Keeps a choice for the next visit, if the browser allows that. */
export function store(key, value) {
    try {
        localStorage.setItem(key, value);
    }
    catch {
        // The choice then lasts as long as the page.
    }
}
export function recall(key) {
    try {
        return localStorage.getItem(key) ?? undefined;
    }
    catch {
        return undefined;
    }
}
function stored() {
    const value = recall(STORED);
    return value === "en" || value === "zh" ? value : undefined;
}
