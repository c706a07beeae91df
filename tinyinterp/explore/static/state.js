// What is looked at: a text, a token, a head, a neuron, what is off. All of it is in the address,
// after #, so that a reload or a colleague finds the same.

const START = "One day, Tim and his friend Sue went to the park. Tim gave the red ball to";
const NAMES = ["text", "at", "token", "against", "off", "instead", "head", "neuron"];

const listeners = [];
let current = read();

function read() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  const whole = (name) => (/^\d{1,9}$/.test(given.get(name) ?? "") ? Number(given.get(name)) : null);
  return {
    text: given.get("text") ?? START,
    at: whole("at"),
    token: whole("token"),
    against: whole("against"),
    off: [...new Set((given.get("off") ?? "").split(",").filter((name) => /^L\d+[HN]\d+$/.test(name)))],
    instead: given.get("instead") === "zero" ? "zero" : "mean",
    head: named(given.get("head"), "H"),
    neuron: named(given.get("neuron"), "N"),
  };
}

function named(text, letter) {
  return new RegExp(`^L\\d{1,6}${letter}\\d{1,9}$`).test(text ?? "") ? text : null;
}

function hash(state) {
  const parts = new URLSearchParams();
  for (const name of NAMES) {
    const value = Array.isArray(state[name]) ? state[name].join(",") : state[name];
    if (value !== null && value !== "" && !(name === "instead" && value === "mean")) parts.set(name, value);
  }
  return `#${parts}`;
}

export const state = () => current;

export const numbers = (name) => name.slice(1).split(/[HN]/).map(Number);

// Change some of it; everyone who listens is told what it was before.
export function change(some) {
  const before = current;
  current = { ...current, ...some };
  const address = hash(current);
  if (address !== window.location.hash) window.history.replaceState(null, "", address);
  for (const listen of listeners) listen(current, before);
}

export function toggle(name) {
  const { off } = current;
  change({ off: off.includes(name) ? off.filter((one) => one !== name) : [...off, name] });
}

export function onChange(listen) {
  listeners.push(listen);
}

// Another state from an address: that of this window, or one that was pasted.
export function restore(address) {
  const at = address.indexOf("#");
  if (at >= 0 && address.slice(at) !== window.location.hash) window.history.replaceState(null, "", address.slice(at));
  const before = current;
  current = read();
  for (const listen of listeners) listen(current, before);
}

window.addEventListener("hashchange", () => restore(window.location.hash));
