"use strict";
// heads.html, one file: the map of kinds, the chosen head below it, all heads as a table. The chosen
// head is the page's fragment, #L3H2, so that links, bookmarks and "back" work.

const data = JSON.parse(document.getElementById("data").textContent);
Object.assign(glossary, data.glossary);
Object.assign(pageOf, {
  head: (layer, head) => `#${headName(layer, head)}`, layer: () => null, tag: () => null, token: () => null });

const accounted = data.index.some((row) => row.needs !== undefined);

function beside(pictures) {
  if (!pictures.length) return null;
  return el("p", { class: "caption" }, "Beside this page: ", pictures.flatMap(([shows, files], i) =>
    [i ? "; " : "", `${shows} (`, files.flatMap((file, j) => [j ? ", " : "", el("a", { href: file }, file)]), ")"]), ".");
}

function allHeads() {
  const short = new Map(data.numbers);
  const headings = ["head", "attention", "kind", ...(accounted ? ["needs"] : []), "role", "decided by", "value", "95 % interval", ...short.values()];
  for (const [column, heading] of short) glossary[heading] = glossary[column.replaceAll("_", " ")];
  const rows = data.heads.map(({ row }) => [
    { show: headLink(row.layer, row.head), sort: row.layer * 1e6 + row.head }, row.attention ?? "",
    { show: chip(row.kind), sort: row.kind },
    ...(accounted ? [{ show: needsChip(row.needs), sort: NEEDS_ORDER.indexOf(row.needs) }] : []), arrow(row.role ?? ""), (row.decided_by ?? "").replaceAll("_", " "),
    { show: number(row.value), sort: row.value }, { show: interval(row.low, row.high), sort: row.low },
    ...[...short.keys()].map((column) => ({ show: number(row[column]), sort: row[column] })),
  ]);
  return section("All heads", table("All heads", headings, rows, { sortable: true }));
}

const title = el("h2", { "aria-live": "polite", tabindex: "-1" });
const back = wayBack("Back to the map", () => document.querySelector(".map a[aria-current]"));
const said = el("p", { class: "caption needs" });
const missing = el("p", { class: "warning", hidden: "" });
const panel = el("div", {});

// The head that the address names, and whether there is one of that name.
function atFragment() {
  const [layer, head] = pair(fragment(), "head") ?? [];
  const named = data.heads.find(({ row }) => row.layer === layer && row.head === head);
  return [named ?? data.heads[0], Boolean(named)];
}

// The chosen head in a map, whichever way it is coloured.
function mark(parts) {
  const { row } = atFragment()[0] ?? {};
  for (const link of parts.flatMap((part) => [...part.querySelectorAll(".map a")]))
    if (row && link.dataset.head === headName(row.layer, row.head)) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
}

function show() {
  const [found, named] = atFragment();
  if (!found) return;
  const { row } = found;
  const name = headName(row.layer, row.head);
  missing.hidden = named || !fragment();
  missing.textContent = `There is no head ${oneLine(fragment())}; this is the first.`;
  if (named) nameInAddress(name);
  title.replaceChildren(`Head ${name} `, chip(row.kind, label(row)));
  said.replaceChildren(...(row.needs === undefined ? [data.no_account] : [label(row), ...headNeeds(data.settings, row.needs)]));
  mark([document]);
  const { content, draw } = headSections(found, data.stories, []);
  panel.replaceChildren(...content);
  draw();
  if (fragment() && walked.name !== name) reveal(title);
  walked.name = null;
}

const counted = data.index.map((row) => [row.kind, 1]);
const ways = [["kind", "kind"], ["needs", "needs"]];
const mapBy = (by) => [by === "needs" ? needsLegend(data.index.map((row) => [row.needs, 1]), "head") : legend(counted, data.kinds),
  data.index.length ? headMap(data.index, by) : null].filter(Boolean);
document.getElementById("main").replaceChildren(...[
  el("h1", {}, data.title),
  el("p", { class: "about" }, `${data.heads.length} heads, measured on ${data.text}. Choose one to see where it looks.`),
  ...data.warnings.map((warning) => el("p", { class: "warning" }, warning)),
  ...(accounted ? switched("Coloured by", ways, (by) => { const made = mapBy(by); mark(made); return made; }) : mapBy("kind")), beside(data.pictures),
  el("section", { class: "chosen" }, title, missing, said, panel, back),
  data.comparison.length ? section("Beside the report’s rule", el("p", {}, data.comparison.join(" "))) : null,
  allHeads(), termList(data.terms), allOf("How this was measured", Object.entries(data.notes)),
].filter(Boolean));
document.addEventListener("click", (event) => { // the head that is chosen already is shown, too
  const target = event.target.closest?.("a")?.getAttribute("href");
  if (target?.startsWith("#") && target === window.location.hash) reveal(title);
});
window.addEventListener("hashchange", show);
show();
