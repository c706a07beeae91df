"use strict";
// A neuron: what it fires on, how often, which tags it predicts, which tokens it makes likelier.

// Hits in their contexts; the darker the token, the nearer its activation to the largest of all.
function contexts(title, hits) {
  return hits.length ? section(title, contextList(hits)) : null;
}

function contextList(hits, most) {
  const largest = most ?? Math.max(...hits.map(([activation]) => Math.abs(activation)), 1e-12);
  const items = hits.map(([activation, before, token, after, tag, story, position]) => {
    const share = 0.12 + 0.33 * (Math.abs(activation) / largest);
    const marked = el("mark", { style: { "background-color": `rgba(var(--hit), ${share.toFixed(3)})` } },
      tokenLink(token, oneLine(token).trim() ? oneLine(token) : visible(token)));
    return el("li", { title: `story ${story}, position ${position}` },
      el("span", { class: "activation" }, number(activation)),
      el("span", { class: "before" }, el("span", {}, oneLine(before))),
      marked,
      el("span", { class: "after" }, oneLine(after)),
      el("span", { class: "tag" }, tag || ""));
  });
  return el("ol", { class: "contexts kwic" }, items);
}

const BANDS = { top: "at least three quarters of the largest activation", upper: "from half to three quarters of it",
  middle: "from a quarter to half of it", lower: "up to a quarter of it", "below zero": "" };

// Examples of every band, also of those that top activations never show.
function wholeRange(bands) {
  if (!bands?.length) return null;
  const largest = Math.max(...bands.flatMap(([, , hits]) => hits.map(([activation]) => Math.abs(activation))), 1e-12);
  return section("Examples from the whole range", el("p", { class: "caption" },
    "Tokens drawn evenly from the text, in reading order, and the share of sampled tokens in each band."),
    ...bands.flatMap(([band, share, hits]) => [
      el("h3", { class: "band" }, band, el("small", { class: "faint" }, [BANDS[band], `${number(100 * share, share < 0.01 ? 2 : 0)} %`].filter(Boolean).map((said) => ` · ${said}`).join(""))),
      contextList(hits, largest)]));
}

function tagTable(found) {
  if (!found.length) return null;
  const rows = found.map(([whose, tag, auroc, low, high, purity, lift, q]) => [
    [tagLink(tag), whose === "current" ? "" : ` (${whose} word)`], track(auroc, low, high), number(auroc, 3),
    interval(low, high, 3), percent(purity), number(lift, 1), number(q, 3)]);
  return section("Tags that it predicts", el("p", { class: "caption" },
    "AUROC: how well the activation separates tokens with the tag from the others; 0.5 is chance."),
    table("Tags by AUROC", ["tag", "from 0 to 1", "AUROC", "95 % interval", "of hits", "lift", "q"], rows));
}

function track(value, low, high) {
  const at = (x) => `${(100 * x).toFixed(1)}%`;
  const parts = low === null || low === undefined ? []
    : [el("span", { class: "range", style: { left: at(low), width: at(Math.max(0, high - low)) } })];
  return el("span", { class: "track", "aria-hidden": "true" }, ...parts, el("span", { class: "dot", style: { left: at(value) } }));
}

function histogram(data) {
  if (!data) return null;
  const [low, high, counts] = data;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const edge = (i) => low + ((high - low) * i) / counts.length;
  const title = `Histogram of ${total.toLocaleString("en")} sampled activations from ${number(low)} to ${number(high)}`;
  const ticks = [0, Math.floor(counts.length / 2), counts.length - 1].map((i) => [i, number(edge(i + 0.5))]);
  return section("Histogram", el("p", { class: "caption" }, `${title}; heights are on a logarithmic scale.`),
    bars(title, counts.map((count) => Math.log1p(count)),
      (i) => `${number(edge(i), 3)} to ${number(edge(i + 1), 3)}: ${counts[i].toLocaleString("en")}`, ticks));
}

function effects(row) {
  if (!row.raises?.length && !row.lowers?.length) return null;
  return section("What it does to the next token", el("p", { class: "caption" },
    "By its output weights alone, without what later layers add."),
    facts([["raises", tokenList(row.raises ?? [])], ["lowers", tokenList(row.lowers ?? [])]]));
}

// All there is to say of a neuron, as sections.
function neuronSections({ columns, account_columns: named, settings }, data) {
  const row = Object.fromEntries(columns.map((name, i) => [name, data.row[i]]));
  const account = data.account && Object.fromEntries(named.map((name, i) => [name, data.account[i]]));
  const whose = row.best_target && row.best_target !== "current" ? ` (${row.best_target} word)` : "";
  const content = [
    facts([
      ["words", row.words?.length ? [tokenList(row.words), ` (${percent(row.word_share)} of its hits)`] : null],
      ["best tag", row.best_tag ? [tagLink(row.best_tag), `${whose}: AUROC ${number(row.auroc, 3)} (${interval(row.auroc_low, row.auroc_high, 3)})`] : null],
      ["token AUROC", row.best_tag && row.token_auroc !== undefined ? number(row.token_auroc, 3) : null],
      ["density", row.density === undefined ? null : `above zero on ${percent(row.density)} of the tokens`],
      ["position share", row.position_share === undefined ? null : `${percent(Math.max(0, row.position_share))} of its variance`],
      ["hits", row.hits ? `${row.hits.toLocaleString("en")} on ${row.types ?? "?"} token types` : null],
    ]),
    account ? neuronLadder(account, settings) : null,
    account ? neuronRules(account) : null,
    contexts("Largest activations", data.top),
    wholeRange(data.range),
    contexts("Smallest activations", data.bottom),
    effects(row),
    account ? neuronLinks(account) : null,
    tagTable(data.tags),
    histogram(data.histogram),
    allOf("All columns of the table", Object.entries(row).filter(([name]) => name !== "neuron")),
    account ? allOf("All columns of the account", Object.entries(account).filter(([name]) => !["layer", "neuron"].includes(name))) : null,
  ].filter(Boolean);
  return { row, account, content };
}

const SHOWN_WORDS = 4; // tokens that stand for a neuron in a list; a search finds more

// The neurons of a layer as a table, with a search field and a button for each kind: those of the
// pressed kinds are shown, all if none is pressed. `only` is the kind to begin with; empty or
// missing: all. `sought` is what to begin to search for. With an account a row ends with what the
// neuron needs.
function neuronList(layer, rows, kinds, only, sought = "") {
  const counts = new Map();
  for (const [, kind] of rows) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const found = el("span", { class: "caption", role: "status" });
  const accounted = rows.some((row) => row.length > 9);
  const needs = (row) => row[9] || NOTHING.neuron;
  const field = el("input", { type: "search", placeholder: "number, tag, words", "aria-label": "Search neurons by number, kind, tag or words", "aria-keyshortcuts": "/" });
  field.value = sought;
  const buttons = kinds.filter((kind) => counts.get(kind)).map((kind) => el("button", { type: "button",
    class: `chip kind-${kind} of-neuron`, "data-kind": kind, title: glossary[kind], "aria-pressed": String(only === kind),
  }, `${kind} ${counts.get(kind).toLocaleString("en")}`));
  const lines = rows.map(([neuron, kind, tag, whose, auroc, low, high, largest, words, need]) => [
    { show: neuronLink(layer, neuron), sort: neuron }, { show: neuronChip(kind), sort: kind },
    ...(accounted ? [{ show: needsChip(need, null, "neuron"), sort: NEEDS_ORDER.indexOf(need) }] : []),
    tag ? `${tag}${whose && whose !== "current" ? ` (${whose})` : ""}` : "–",
    { show: tag ? [track(auroc, low, high), ` ${number(auroc, 3)}`] : "–", sort: tag ? auroc : null },
    { show: number(largest), sort: largest },
    { show: el("span", { class: "words" }, words.slice(0, SHOWN_WORDS).map(visible).join("  ")), sort: words[0] },
  ]);
  const made = table(`Neurons of layer ${layer}`, ["neuron", "kind", ...(accounted ? ["needs"] : []), "best tag", "AUROC", "largest", "fires on"], lines, { sortable: true, name: "neurons" });
  const entries = [...made.querySelectorAll("tbody tr")].map((line, i) => [line, rows[i],
    [neuronName(layer, rows[i][0]), rows[i][1], rows[i][2], accounted ? `needs ${needs(rows[i])}` : "", ...rows[i][8].map(visible)].join(" ").toLowerCase()]);
  const filter = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set(buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.kind));
    let count = 0;
    for (const [line, [neuron, kind], text] of entries) {
      const fits = wanted.every((word) => /^\d+$/.test(word) ? neuron === Number(word) : text.includes(word));
      line.hidden = !fits || (shown.size > 0 && !shown.has(kind));
      count += line.hidden ? 0 : 1;
    }
    found.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };
  field.addEventListener("input", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  filter();
  return [el("div", { class: "filters" }, field, el("div", { class: "legend", role: "group", "aria-label": "Show only" }, el("span", { class: "faint" }, "Show only"), buttons), found), made];
}
