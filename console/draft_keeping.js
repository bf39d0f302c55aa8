// What somebody typed into a form and did not send: kept in this browser until it is sent or thrown away.

const key = (name) => `typed:${name}`;

export function keep(name, body) {
  try {
    localStorage.setItem(key(name), JSON.stringify({ at: new Date().toISOString(), body }));
  } catch {
    // A full or forbidden store costs the copy, not the form.
  }
}

export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(key(name)));
  } catch {
    return null;
  }
}

export const forget = (name) => localStorage.removeItem(key(name));
