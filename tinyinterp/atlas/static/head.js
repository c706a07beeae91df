"use strict";
// A head; without one in the address, the map of all.

function neighbours(layer, head) {
  const { heads } = atlas.index;
  const at = heads.findIndex((row) => row.layer === layer && row.head === head);
  const target = (row) => row && { href: `#${headName(row.layer, row.head)}`, name: `Head ${headName(row.layer, row.head)}` };
  return { previous: target(heads[at - 1]), next: target(heads[at + 1]) };
}

function everyHead() {
  const { heads, head_kinds: kinds } = atlas.index;
  const rows = heads.map((row) => [headLink(row.layer, row.head), chip(row.kind), arrow(row.role)]);
  return { title: "Heads", content: [
    el("p", { class: "about" }, "Choose a head to see where it looks."),
    legend(heads.map((row) => [row.kind, 1]), kinds), headMap(heads),
    section("As a list", table("All heads", ["head", "kind", "role"], rows))] };
}

atlas.start(async (target) => {
  if (!target) return everyHead();
  if (parseName(target)?.what === "neuron") return window.location.replace(`neuron.html#${encodeURIComponent(target)}`);
  const numbers = pair(target, "head");
  const known = numbers && atlas.index.heads.find((row) => row.layer === numbers[0] && row.head === numbers[1]);
  if (!known) throw new Error(`There is no head ${oneLine(target)}.`);
  const [layer, head] = numbers;
  const [data, stories] = await Promise.all([atlas.load(`head-${layer}.${head}`), atlas.load("stories")]);
  const { content, draw } = headSections(data, stories, atlas.index.tags, atlas.index.account);
  const { row, account } = data;
  return {
    title: `Head ${headName(layer, head)}`,
    name: headName(layer, head),
    ...neighbours(layer, head),
    content: [
      el("p", { class: "about" }, chip(row.kind),
        account ? [...headNeeds(atlas.index.account, account.needs), " · "] : " ", row.role ? `${arrow(row.role)}, ` : "",
        row.attention ? `${row.attention} attention, ` : "", layerLink(layer)),
      ...content,
    ],
    shown: draw,
  };
});
