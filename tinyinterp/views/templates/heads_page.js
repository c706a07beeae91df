"use strict";
// heads.html, one file: the map of kinds, the chosen head below it, all heads as a table. The chosen
// head is the page's fragment, #3.2, so that links, bookmarks and "back" work.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);
Object.assign(pageOf, {
  head: (layer, head) => `#${layer}.${head}`, layer: () => null, tag: () => null, token: () => null });

function beside(pictures) {
  if (!pictures.length) return null;
  return el("p", { class: "caption" }, "Beside this page: ", pictures.flatMap(([shows, files], i) =>
    [i ? "; " : "", `${shows} (`, files.flatMap((file, j) => [j ? ", " : "", el("a", { href: file }, file)]), ")"]), ".");
}

function allHeads() {
  const short = new Map(data.numbers);
  const headings = ["head", "attention", "kind", "role", "decided by", "value", "95 % interval", ...short.values()];
  for (const [column, heading] of short) glossary[heading] = glossary[column.replaceAll("_", " ")];
  const rows = data.heads.map(({ row }) => [
    { show: headLink(row.layer, row.head), sort: row.layer * 1e6 + row.head }, row.attention ?? "",
    { show: chip(row.kind), sort: row.kind }, arrow(row.role ?? ""), (row.decided_by ?? "").replaceAll("_", " "),
    { show: number(row.value), sort: row.value }, { show: interval(row.low, row.high), sort: row.low },
    ...[...short.keys()].map((column) => ({ show: number(row[column]), sort: row[column] })),
  ]);
  return section("All heads", table("All heads", headings, rows, { sortable: true }));
}

const title = el("h2", { "aria-live": "polite" });
const panel = el("div", {});

function show() {
  const found = data.heads.find(({ row }) => `${row.layer}.${row.head}` === fragment()) ?? data.heads[0];
  if (!found) return;
  const { row } = found;
  const name = `${row.layer}.${row.head}`;
  title.replaceChildren(`Head ${name} `, chip(row.kind, label(row)));
  for (const link of document.querySelectorAll(".map a"))
    if (link.dataset.head === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  const { content, draw } = headSections(found, data.stories, []);
  panel.replaceChildren(...content);
  draw();
}

const counted = data.index.map((row) => [row.kind, 1]);
document.getElementById("main").replaceChildren(...[
  el("h1", {}, data.title),
  el("p", { class: "about" }, `${data.heads.length} heads, measured on ${data.text}. Choose one to see where it looks.`),
  ...data.warnings.map((warning) => el("p", { class: "warning" }, warning)),
  legend(counted, data.kinds), data.index.length ? headMap(data.index) : null, beside(data.pictures),
  el("section", { class: "chosen" }, title, panel),
  data.comparison.length ? section("Beside the report’s rule", el("p", {}, data.comparison.join(" "))) : null,
  allHeads(), termList(data.terms), allOf("How this was measured", Object.entries(data.notes)),
].filter(Boolean));
window.addEventListener("hashchange", show);
show();
