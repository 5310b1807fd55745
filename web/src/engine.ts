// The engine behind the page: the program that serves this page, or the WebAssembly module beside it. The other files
// do not know which one they use.

import type { Source } from "./types.js";

/** An error from the session, or from the engine itself. */
export class LabError extends Error {
  constructor(
    message: string,
    readonly line?: number,
    readonly column?: number,
  ) {
    super(message);
  }
}

export interface Engine {
  /** Sends a command and returns its answer. Rejects with a LabError. */
  command<T>(command: object): Promise<T>;
  /** Sends a command that changes nothing. It may overtake other commands, and none of them waits for it. */
  read<T>(command: object): Promise<T>;
}

/** What the program tells the page at its start. In a static folder, a file with this content names the other engine. */
interface Start extends Source {
  engine?: "wasm";
  /** The name of the file whose text is in `lab`. */
  file?: string;
  lang?: string;
}

export interface Opened {
  engine: Engine;
  source: Source;
  file: string | undefined;
  lang: string | undefined;
}

/** Starts a session with the engine of this page. The `source` in the result is the experiment with which the program was started. */
export async function openEngine(): Promise<Opened> {
  const response = await fetch("start");
  const { engine, file, lang, ...source }: Start = response.ok ? await read<Start>(response) : { engine: "wasm" };
  return { engine: engine === "wasm" ? await WasmEngine.open() : await HttpEngine.open(), source, file, lang };
}

class HttpEngine implements Engine {
  /** Resolves when the previous command has been answered, so that commands stay in order. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly url: string) {}

  static async open(): Promise<HttpEngine> {
    const { id } = await read<{ id: string }>(await post("session", ""));
    return new HttpEngine(`session/${id}`);
  }

  command<T>(command: object): Promise<T> {
    const answer = this.last.then(() => this.send<T>(command));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  read<T>(command: object): Promise<T> {
    return this.send<T>(command);
  }

  private async send<T>(command: object): Promise<T> {
    let response: Response;
    try {
      response = await post(this.url, JSON.stringify(command));
    } catch {
      throw new LabError("the program smolstep does not answer: start 'smolstep lab --web' again, and reload the page");
    }
    return result<T>(await read<Answer>(response));
  }
}

function post(url: string, body: string): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new LabError(text.split("\n", 1)[0] || `the program answered with status ${response.status}: reload the page`);
  }
}

interface Answer {
  ok?: boolean;
  error?: { message: string; line?: number; column?: number };
}

function result<T>(answer: Answer): T {
  if (!answer.ok || answer.error) {
    const { message, line, column } = answer.error ?? { message: "the answer cannot be read: reload the page" };
    throw new LabError(message, line, column);
  }
  return answer as T;
}

/** The module runs in a worker, so that a long run does not block the page. */
class WasmEngine implements Engine {
  private readonly waiting: { resolve: (text: string) => void; reject: (error: LabError) => void }[] = [];

  private constructor(private readonly worker: Worker) {
    worker.addEventListener("message", ({ data }: MessageEvent<{ text?: string; error?: string }>) => {
      const next = this.waiting.shift();
      if (data.text !== undefined) next?.resolve(data.text);
      else next?.reject(new LabError(data.error ?? "the engine has failed: reload the page"));
    });
    worker.addEventListener("error", () => {
      const error = new LabError("smolstep.wasm cannot be loaded: build the folder with scripts/web");
      for (const { reject } of this.waiting.splice(0)) reject(error);
    });
  }

  static async open(): Promise<WasmEngine> {
    const engine = new WasmEngine(new Worker("worker.js", { type: "module" }));
    await engine.send("");
    return engine;
  }

  async command<T>(command: object): Promise<T> {
    return result<T>(JSON.parse(await this.send(JSON.stringify(command))) as Answer);
  }

  read<T>(command: object): Promise<T> {
    return this.command<T>(command);
  }

  /** The worker answers in the order of the requests. The empty request waits for the module. */
  private send(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(request);
    });
  }
}
