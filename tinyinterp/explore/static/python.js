// The lines that do the same in a notebook.

// A JavaScript string as a Python one: JSON writes what Python reads, but for characters beyond
// the first plane, which JSON writes as they are.
const quoted = (text) => JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069]/gu,
  (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

const part = (name) => {
  const [, layer, letter, number] = /^L(\d+)([HN])(\d+)$/.exec(name);
  return `${letter === "H" ? "head" : "neuron"}(${layer}, ${number})`;
};

export function python(model, { text, off, instead }) {
  const used = [...new Set(off.map((name) => part(name).split("(")[0]))].sort();
  const load = model.name === "bundled" ? "load()" : `load(${quoted(model.name)})`;
  const run = (more) => `model.run(text${more})`;
  const lines = ["import tinyinterp", ...(used.length ? [`from tinyinterp.run import ${used.join(", ")}`] : []), "",
    `model = tinyinterp.${load}`, `text = ${quoted(text)}`, `intact = ${run("")}`];
  if (off.length) {
    const stands = instead === "mean" ? "" : `, instead=${quoted(instead)}`;
    lines.push(`changed = ${run(`, off=[${off.map(part).join(", ")}]${stands}`)}`, "print(intact.losses.mean(), changed.losses.mean())");
  } else {
    lines.push("print(intact.losses.mean())");
  }
  return `${lines.join("\n")}\n`;
}
