"use strict";
// A layer: its heads, and its neurons as a list, all or of one kind: layer.html#4:word.

function sortable(rows) {
  const body = el("tbody", {});
  const columns = [["neuron", (r) => r[0]], ["kind", null], ["tag", null], ["AUROC", (r) => -(r[4] ?? 0)], ["largest", (r) => -(r[5] ?? 0)], ["fires on", null]];
  const fill = (by) => {
    const order = by ? [...rows].sort((a, b) => by(a) - by(b)) : rows;
    body.replaceChildren(...order.map(([neuron, kind, tag, whose, auroc, largest, words]) => el("tr", {},
      el("th", { scope: "row" }, el("a", { href: `neuron.html#${atlas.layer}.${neuron}` }, String(neuron))),
      el("td", {}, neuronChip(kind)), el("td", {}, tag ? `${tag}${whose && whose !== "current" ? ` (${whose})` : ""}` : "–"),
      el("td", {}, number(auroc, 3)), el("td", {}, number(largest)), el("td", { class: "words" }, words.map(visible).join("  ")))));
  };
  const headings = columns.map(([name, by]) => {
    const heading = el("th", { scope: "col" });
    if (!by) heading.append(name);
    else {
      const button = el("button", { type: "button" }, name);
      button.addEventListener("click", () => {
        for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", name === "neuron" ? "ascending" : "descending");
        fill(by);
      });
      heading.append(button);
    }
    return heading;
  });
  fill(null);
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Neurons" },
    el("table", { class: "rows" }, el("thead", {}, el("tr", {}, headings)), body));
}

atlas.start(async (target) => {
  const match = /^(\d+)(?::(.*))?$/.exec(target);
  const layer = match && Number(match[1]);
  const { index } = atlas;
  const heads = index.heads.filter((row) => row.layer === layer);
  const counted = index.neurons.find((row) => row.layer === layer);
  if (!match || (!heads.length && !counted)) throw new Error(`There is no layer ${target}.`);
  atlas.layer = layer;
  const kind = match[2];
  const layers = [...new Set([...index.heads, ...index.neurons].map((row) => row.layer))].sort((a, b) => a - b);
  const at = layers.indexOf(layer);
  const to = (number) => number === undefined ? null : { href: `#${number}${kind ? `:${kind}` : ""}`, name: `Layer ${number}` };
  const content = [];
  if (heads.length) {
    content.push(section("Heads", el("ul", { class: "legend" }, heads.map((row) =>
      el("li", {}, headLink(layer, row.head), " ", headChip(row.kind), row.role ? ` ${row.role.replace("->", " → ")}` : "")))));
  }
  if (counted) {
    const { neurons } = await atlas.load(`layer-${layer}`);
    const shown = neurons.filter((row) => !kind || row[1] === kind);
    const filter = ([name, count]) => el("li", {}, el("a", { class: "chip", href: `#${layer}${name ? `:${name}` : ""}`,
      "aria-current": (kind ?? "") === name ? "page" : null }, `${name || "all"} ${count.toLocaleString("en")}`));
    const choices = [["", neurons.length], ...Object.keys(index.neuron_kinds)
      .filter((name) => counted.kinds[name]).map((name) => [name, counted.kinds[name]])];
    content.push(section(kind ? `Neurons: ${kind}` : "Neurons", el("ul", { class: "legend" }, choices.map(filter)), sortable(shown)));
  }
  return { title: `Layer ${layer}`, previous: to(layers[at - 1]), next: to(layers[at + 1]), content };
});
