// The state of the page: the experiment, its runs, and the current step. Panels draw this state.

import { LabError, type Engine } from "./engine.js";
import type { Answers } from "./exercise.js";
import { Trace } from "./trace.js";
import { language } from "./text.js";
import type { Shown } from "./layout.js";
import type { Experiment, Fault, Lists, Run, Settings, Source } from "./types.js";

/** What has changed. Each change implies the changes listed after it, except `more`, which only adds entries to a trace. */
export type Change = "experiment" | "runs" | "step" | "more";

/** A command that makes or removes a run. */
interface ByHand {
  do: "fault" | "inject" | "remove";
  run: string;
  [member: string]: unknown;
}

export interface Panel {
  root: HTMLElement;
  update(change: Change): void;
}

export class App {
  experiment: Experiment | undefined;
  lists: Lists = { scenarios: [], exercises: [], programs: [] };
  source: Source = {};
  /** The source of the experiment that was requested most recently. */
  private wanted: Source = {};
  /** The name of the reader's own file, if one is open. */
  file: string | undefined;
  /** The name of the current run, and the name of the run beside it. */
  current = "a";
  beside: string | undefined;
  step = 0;
  lane = 0;
  /** The number of the selected frame. */
  selected: number | undefined;
  shown: Shown = { background: false, clock: false, options: false, raw: false };
  /** The tab that is open. */
  tab = "state";
  error: LabError | undefined;
  readonly runs = new Map<string, Trace>();
  /** The questions with the reader's answers, which outlive a change of the language or of a setting. */
  answers: Answers = { about: {}, asked: [] };
  /** A text that the reader has typed and not run, and the experiment to whose text it belongs. */
  draft: { base: string; text: string } | undefined;
  private listeners: ((change: Change) => void)[] = [];
  /** The commands that made the runs, so that another language can repeat them. */
  private byHand: ByHand[] = [];
  /** Counts the experiments, so that a late answer for an earlier experiment is dropped. */
  private epoch = 0;

  constructor(readonly engine: Engine) {}

  /** The trace of the current run. */
  get trace(): Trace {
    return this.runs.get(this.current) ?? EMPTY;
  }

  get run(): Run {
    return this.trace.run;
  }

  /** The experiment without the changes of settings and seed, in a form that can be compared. */
  get base(): string {
    const { settings: _settings, seed: _seed, ...base } = this.source;
    return JSON.stringify(base);
  }

  /** Whether the answer to a later request for an experiment is outstanding. Until then, a control keeps what the reader chose. */
  get isChanging(): boolean {
    return this.wanted !== this.source;
  }

  listen(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  /** Forgets the listeners, before the page is built again. */
  forgetListeners(): void {
    this.listeners = [];
  }

  report(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  /** Sends a command. An error is shown, and the answer is then undefined. */
  async ask<T>(command: object): Promise<T | undefined> {
    try {
      return await this.engine.command<T>(command);
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Shows an error in the line for errors; undefined clears it. */
  fail(error: unknown): void {
    if (error === undefined || error instanceof LabError) this.error = error;
    else this.error = new LabError(error instanceof Error ? error.message : String(error));
    this.report("more");
  }

  async load(): Promise<void> {
    this.lists = (await this.ask<Lists>({ do: "list", lang: language() })) ?? this.lists;
  }

  /** Starts an experiment. After an error, the earlier experiment stays. */
  async open(source: Source, step = 0): Promise<boolean> {
    this.error = undefined;
    this.wanted = source;
    const experiment = await this.ask<Experiment>({ do: "new", lang: language(), ...source });
    if (!experiment) {
      if (this.wanted === source) this.wanted = this.source;
      return false;
    }
    this.epoch++;
    this.experiment = experiment;
    this.source = source;
    this.byHand = [];
    this.runs.clear();
    this.beside = undefined;
    this.selected = undefined;
    this.lane = 0;
    this.add(experiment.run);
    this.current = experiment.run.name;
    this.step = Math.min(step, experiment.run.steps);
    const { epoch } = this;
    await this.more(this.trace);
    // Another experiment can have started meanwhile.
    if (this.epoch !== epoch) return true;
    this.report("experiment");
    void this.fill(this.trace);
    return true;
  }

  /** Starts the same experiment again with other settings. A second change does not wait for the answer to the first. */
  async change(settings: Settings, seed = this.wanted.seed): Promise<void> {
    const source: Source = { ...this.wanted, settings: { ...this.wanted.settings, ...settings } };
    if (seed !== undefined) source.seed = seed;
    await this.open(source);
  }

  /** Starts the experiment in another language, and repeats the manual changes. */
  async translate(): Promise<void> {
    await this.load();
    // An experiment that was requested earlier has begun by now.
    const { byHand, current, step, beside, lane, selected } = this;
    if (!(await this.open(this.source, step))) return;
    const { epoch } = this;
    // The reader can move meanwhile, which the step between two commands shows.
    let [reached, hasMoved] = [this.step, false];
    for (const command of byHand) {
      hasMoved ||= this.step !== reached;
      if (command.do === "remove") await this.remove(command.run);
      else await this.branch(command, step);
      if (this.epoch !== epoch) return;
      reached = this.step;
    }
    hasMoved ||= this.step !== reached;
    if (this.runs.has(current)) this.current = current;
    if (beside && this.runs.has(beside)) this.beside = beside;
    Object.assign(this, { lane, selected });
    await this.go(hasMoved ? this.step : step);
    this.report("experiment");
  }

  /** Goes to a step of the current run, and fetches the trace up to there. */
  async go(step: number): Promise<void> {
    const { trace, epoch } = this;
    const before = this.step;
    this.step = Math.max(0, Math.min(Math.trunc(step) || 0, trace.run.steps));
    const wanted = this.step;
    if (wanted !== before) this.selected = undefined;
    while (!trace.isWhole && (trace.entries.at(-1)?.step ?? -1) <= wanted) {
      if (!(await this.more(trace)) || this.epoch !== epoch) return;
    }
    if (this.step === wanted) this.report("step");
  }

  /** Goes to the next event of a kind: see the command `until`. Returns whether such an event follows. */
  async until(goal: string): Promise<boolean> {
    this.fail(undefined);
    const run = this.current;
    const answer = await this.ask<{ step?: number }>({ do: "until", run, step: this.step, goal });
    // The step belongs to the run that was current when the reader asked.
    if (answer?.step !== undefined && this.current === run) await this.go(answer.step);
    return answer?.step !== undefined;
  }

  /** Alters a frame directly after it was sent. This makes a branch, which becomes the current run. */
  async fault(frame: number, fault: Fault, delay = "300ms", trace = this.trace): Promise<void> {
    const known = trace.frame(frame);
    const step = known && trace.entries[known.sent]?.step;
    if (!known || step === undefined) {
      this.fail(new LabError(`frame ${frame} is not in run ${trace.run.name}`));
      return;
    }
    const text = fault === "delay" ? `delay ${delay}` : fault;
    await this.branch({ do: "fault", run: trace.run.name, step, frame, fault: text }, step);
    this.select(frame);
  }

  /** Puts a segment on the wire after the current step. This makes a branch. */
  async inject(host: string, segment: string): Promise<void> {
    const { step } = this;
    await this.branch({ do: "inject", run: this.current, step, host, segment }, step);
  }

  /** Removes a run. The runs that branch off it stay. A later run can get its name. */
  async remove(name: string): Promise<void> {
    const command: ByHand = { do: "remove", run: name };
    const answer = await this.ask<{ runs: Run[] }>(command);
    if (!answer) return;
    this.byHand.push(command);
    const left = new Set(answer.runs.map((run) => run.name));
    for (const known of [...this.runs.keys()]) if (!left.has(known)) this.runs.delete(known);
    if (!left.has(this.current)) await this.show("a");
    if (!left.has(this.beside ?? "")) this.beside = undefined;
    this.report("runs");
  }

  /** Makes another run the current one. */
  async show(name: string, step = this.step): Promise<void> {
    if (!this.runs.has(name)) {
      this.fail(new LabError(`there is no run ${name}: the runs are ${[...this.runs.keys()].join(", ")}`));
      return;
    }
    if (this.beside === name) this.beside = this.current === name ? undefined : this.current;
    this.current = name;
    await this.go(step);
    this.report("runs");
    void this.fill(this.trace);
  }

  /** Shows another run beside the current one; undefined shows the current run alone. */
  compare(name: string | undefined): void {
    this.beside = name === this.current ? undefined : name;
    const trace = this.runs.get(this.beside ?? "");
    if (trace) void this.fill(trace);
    this.report("runs");
  }

  select(frame: number | undefined): void {
    this.selected = frame;
    const entry = this.trace.entries[this.trace.frame(frame)?.sent ?? -1];
    if (entry) this.lane = entry.lane;
    this.report("step");
  }

  private async branch(command: ByHand, step: number): Promise<void> {
    this.fail(undefined);
    const run = await this.ask<Run>(command);
    if (!run) return;
    this.byHand.push(command);
    this.add(run);
    await this.show(run.name, step);
  }

  private add(run: Run): void {
    this.runs.set(run.name, new Trace(run));
  }

  /** Fetches the rest of a trace, a part at a time. */
  private async fill(trace: Trace): Promise<void> {
    const { epoch } = this;
    while (this.epoch === epoch && this.runs.get(trace.run.name) === trace && (await this.more(trace))) {
      // Lets the browser draw the page between two parts.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    this.forget();
  }

  /** Forgets the traces of runs that are not shown, if all traces together are too long. They are fetched again when shown. */
  private forget(): void {
    let count = 0;
    for (const { entries } of this.runs.values()) count += entries.length;
    for (const [name, { run, entries }] of this.runs) {
      if (count <= MOST_ENTRIES) return;
      if (name === this.current || name === this.beside) continue;
      count -= entries.length;
      this.runs.set(name, new Trace(run));
    }
  }

  private readonly fetching = new Map<Trace, Promise<boolean>>();

  /** Fetches the next part of a trace, with one request for all callers that wait for it. Returns whether there was more. */
  private async more(trace: Trace): Promise<boolean> {
    let pending = this.fetching.get(trace);
    if (!pending) {
      pending = trace.fetchMore(this.engine).finally(() => this.fetching.delete(trace));
      this.fetching.set(trace, pending);
    }
    try {
      const more = await pending;
      if (more) this.report("more");
      return more;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }
}

/** The number of entries of all traces together that the page keeps. An entry takes about 1 kB. */
const MOST_ENTRIES = 500_000;

const EMPTY = new Trace({
  name: "a",
  by_hand: [],
  steps: 0,
  entries: 0,
  time_us: 0,
  end: "over",
  failed: [],
  unmet: [],
  printed: [],
  expectations: [],
  lanes: 1,
});
