// What a session of the lab answers. docs/lab-session.md and docs/lab-json.md explain the fields.
export const FAULTS = ["drop", "delay", "duplicate", "corrupt"];
