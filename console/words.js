// The platform's words as the console shows them, each with how serious it looks: plain data, which
// tests/contract reads to hold it against the API's words.

export const STATUS = {
  draft: ["draft", ""],
  running: ["running", "accent"],
  paused: ["paused", "warn"],
  completed: ["completed", "good"],
};

export const ACTION = {
  ship: ["Ship", "good"],
  do_not_ship: ["Do not ship", "bad"],
  keep_running: ["Keep running", "accent"],
  investigate_srm: ["Find out why the split is off", "bad"],
  stop_no_meaningful_effect: ["Stop: any gain is too small", "warn"],
  stop_inconclusive: ["Stop: no answer", "warn"],
  no_verdict: ["No verdict: ended too early", "warn"],
};

export const CONCLUSION = {
  won: ["Won", "good"],
  lost: ["Lost", "bad"],
  inconclusive: ["Inconclusive", ""],
  did_not_finish: ["Did not finish", "warn"],
};

export const REACTION = {
  notify: ["Tell people", ""],
  pause: ["Pause it, and tell people", ""],
};

export const FACT = {
  started: ["started", "accent"],
  start_failed: ["start failed", "bad"],
  paused: ["paused", "warn"],
  resumed: ["resumed", "accent"],
  ramped: ["more traffic", ""],
  completed: ["completed", "good"],
  shipped: ["shipped", "good"],
  verdict: ["verdict", "accent"],
  harm: ["guardrail harmed", "bad"],
  mismatch: ["split is off", "bad"],
};

export const SPLIT = {
  ok: ["Split as planned", "good"],
  mismatch: ["Split is off", "bad"],
  insufficient_data: ["Too few users to check", ""],
};

export const TENDENCY = {
  better: ["likely better", "accent"],
  worse: ["likely worse", "warn"],
  unclear: ["unclear", ""],
};

export const PROVEN = {
  better: ["better", "good"],
  worse: ["worse", "bad"],
  unclear: ["unclear", ""],
};

export const HARMED = {
  true: ["harmed", "bad"],
};

// What a quoted interval is, in the words of the sentence.
export const QUOTED = {
  sequence: ["safe to read on any day", ""],
  exact: ["exact test, safe to read on any day", ""],
  fixed: ["read at the planned end", ""],
  group_sequential: ["read at a planned look", ""],
  shown: ["do not act on a single look", "warn"],
  small: ["too few outcomes to rely on", "warn"],
};

// What people may do, from least to most.
export const ROLES = [["viewer", "Viewer"], ["user", "User"], ["admin", "Administrator"]];
