// The answers of a session of the lab. docs/lab-session.md and docs/lab-json.md explain the fields.
export const FAULTS = ["drop", "delay", "duplicate", "corrupt"];
