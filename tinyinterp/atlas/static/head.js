"use strict";
// A head.

function neighbours(layer, head) {
  const { heads } = atlas.index;
  const at = heads.findIndex((row) => row.layer === layer && row.head === head);
  const target = (row) => row && { href: `#${row.layer}.${row.head}`, name: `Head ${row.layer}.${row.head}` };
  return { previous: target(heads[at - 1]), next: target(heads[at + 1]) };
}

atlas.start(async (target) => {
  const numbers = pair(target);
  const known = numbers && atlas.index.heads.find((row) => row.layer === numbers[0] && row.head === numbers[1]);
  if (!known) throw new Error(target ? `There is no head ${target}.` : "Name a head in the address: head.html#0.0");
  const [layer, head] = numbers;
  const [data, stories] = await Promise.all([atlas.load(`head-${layer}.${head}`), atlas.load("stories")]);
  const { content, draw } = headSections(data, stories, atlas.index.tags, atlas.index.account);
  const { row, account } = data;
  return {
    title: `Head ${layer}.${head}`,
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
