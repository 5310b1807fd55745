// The answers of a session of the lab. docs/lab-session.md and docs/lab-json.md explain the fields.

export type Side = 0 | 1;
export type Fault = "drop" | "delay" | "duplicate" | "corrupt";
export const FAULTS: readonly Fault[] = ["drop", "delay", "duplicate", "corrupt"];

/** The values that an end stores about a connection. */
export interface Holds {
  una?: number;
  nxt?: number;
  snd_wnd?: number;
  rcv_nxt?: number;
  rcv_wnd?: number;
  srtt_ms?: number;
  rttvar_ms?: number;
  rto_ms?: number;
  cwnd?: number;
  ssthresh?: number;
  duplicate_acks?: number;
  retransmission_at_us?: number;
  tail_probe_at_us?: number;
  persist_at_us?: number;
  time_wait_at_us?: number;
  delayed_ack_at_us?: number;
  keep_alive_at_us?: number;
  user_timeout_at_us?: number;
  unsent?: number;
  held_by?: string;
  queued?: number;
  unread?: number;
  out_of_order?: [number, number][];
}

/** A line of the trace. */
export interface Entry {
  i: number;
  step: number;
  t_us: number;
  host: string;
  phase: string;
  event: string;
  /** What the ladder writes. Some events have only a change of state. */
  label?: string;
  lane: number;
  background?: boolean;
  client?: string;
  server?: string;
  client_holds?: Holds;
  server_holds?: Holds;
  rfc?: string;
  frame?: number;
  frame_len?: number;
  protocol?: string;
  src?: string;
  dst?: string;
  flags?: string;
  seq?: number;
  ack?: number;
  rel_seq?: number;
  rel_ack?: number;
  len?: number;
  win?: number;
  win_scale?: number;
  mss?: number;
  fate?: string;
  reason?: string;
  from?: string;
  to?: string;
}

/** A run of the experiment. */
export interface Run {
  name: string;
  parent?: string;
  after?: number;
  by_hand: string[];
  steps: number;
  entries: number;
  time_us: number;
  end: "over" | "limit";
  failed: string[];
  /** The lines of the faults that matched no frame, and of the forged segments that were not sent. */
  unmet: number[];
  printed: string[];
  expectations: { line: number; text: string; holds: boolean }[];
  lanes: number;
}

/** The settings of the cable and of the hosts. `null` means no limit; for buffers, that the hosts have different sizes. */
export interface Settings {
  latency_us?: number;
  jitter_us?: number;
  rate_bit_s?: number | null;
  queue?: number | null;
  loss_percent?: number;
  mtu?: number;
  router_mtu?: number | null;
  buffer?: number | null;
  congestion?: string;
  nagle?: boolean;
  ack_delay_us?: number;
}

/** A question of an exercise. */
export interface Question {
  number: number;
  text: string;
  /** The page has a special field for `choice`, `order` and `make`. */
  kind?: string;
  /** The form of an answer, in words. */
  form: string;
  options?: string[];
  points: number;
  hint: boolean;
}

/** An experiment, and its first run. */
export interface Experiment {
  title: string;
  text: string[];
  lab: string;
  name?: string;
  seed: number;
  settings: Settings;
  questions: Question[];
  expectations: boolean;
  run: Run;
}

/** The experiment for the command `new`: one of the first four members. */
export interface Source {
  scenario?: string;
  exercise?: string;
  program?: string;
  lab?: string;
  settings?: Settings;
  seed?: number;
}

export interface Named {
  name: string;
  title: string;
}

/** The answer of `list`. */
export interface Lists {
  scenarios: Named[];
  exercises: Named[];
  programs: string[];
}

export interface Why {
  text?: string;
  rfc?: string;
  url?: string;
  differs?: string;
}

export interface Field {
  name: string;
  value: string | number;
  offset: number;
  len: number;
}

/** The computation of the Internet checksum in a frame. */
export interface Checksum {
  name: string;
  offset: number;
  words: number[];
  pseudo: number;
  sum: number;
  folded: number;
  result: number;
  is_right: boolean;
}

export interface Bytes {
  bytes: string;
  fields: Field[];
  checksum?: Checksum;
}

/** The position of a graph inside its picture, in units of the viewBox. */
export interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
  width: number;
  height: number;
  from_us: number;
  to_us: number;
}

export interface Mark {
  verdict: "right" | "wrong" | "invalid";
  message: string;
  points: number;
  of: number;
}
