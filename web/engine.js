// The engine behind the page: the program that serves this page, or the WebAssembly module beside it. The other files
// do not know which one they use.
/** An error from the session, or from the engine itself. */
export class LabError extends Error {
    line;
    column;
    constructor(message, line, column) {
        super(message);
        this.line = line;
        this.column = column;
    }
}
/** Starts a session with the engine of this page. The `source` in the result is the experiment with which the program was started. */
export async function openEngine() {
    const response = await fetch("start");
    const { engine, file, lang, ...source } = response.ok ? await read(response) : { engine: "wasm" };
    return { engine: engine === "wasm" ? await WasmEngine.open() : await HttpEngine.open(), source, file, lang };
}
class HttpEngine {
    url;
    /** Resolves when the previous command has been answered, so that commands stay in order. */
    last = Promise.resolve();
    constructor(url) {
        this.url = url;
    }
    static async open() {
        const { id } = await read(await post("session", ""));
        return new HttpEngine(`session/${id}`);
    }
    command(command) {
        const answer = this.last.then(() => this.send(command));
        this.last = answer.catch(() => undefined);
        return answer;
    }
    read(command) {
        return this.send(command);
    }
    async send(command) {
        let response;
        try {
            response = await post(this.url, JSON.stringify(command));
        }
        catch {
            throw new LabError("the program smolstep does not answer: start 'smolstep lab --web' again, and reload the page");
        }
        return result(await read(response));
    }
}
function post(url, body) {
    return fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
}
async function read(response) {
    const text = await response.text();
    try {
        return JSON.parse(text);
    }
    catch {
        throw new LabError(text.split("\n", 1)[0] || `the program answered with status ${response.status}: reload the page`);
    }
}
function result(answer) {
    if (!answer.ok || answer.error) {
        const { message, line, column } = answer.error ?? { message: "the answer cannot be read: reload the page" };
        throw new LabError(message, line, column);
    }
    return answer;
}
/** The module runs in a worker, so that a long run does not block the page. */
class WasmEngine {
    worker;
    waiting = [];
    constructor(worker) {
        this.worker = worker;
        worker.addEventListener("message", ({ data }) => {
            const next = this.waiting.shift();
            if (data.text !== undefined)
                next?.resolve(data.text);
            else
                next?.reject(new LabError(data.error ?? "the engine has failed: reload the page"));
        });
        worker.addEventListener("error", () => {
            const error = new LabError("smolstep.wasm cannot be loaded: build the folder with scripts/web");
            for (const { reject } of this.waiting.splice(0))
                reject(error);
        });
    }
    static async open() {
        const engine = new WasmEngine(new Worker("worker.js", { type: "module" }));
        await engine.send("");
        return engine;
    }
    async command(command) {
        return result(JSON.parse(await this.send(JSON.stringify(command))));
    }
    read(command) {
        return this.command(command);
    }
    /** The worker answers in the order of the requests. The empty request waits for the module. */
    send(request) {
        return new Promise((resolve, reject) => {
            this.waiting.push({ resolve, reject });
            this.worker.postMessage(request);
        });
    }
}
