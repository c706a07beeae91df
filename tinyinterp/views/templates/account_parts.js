"use strict";
// The account: ladders as bars with intervals, what a component needs, links by the weights.

const NOTHING = { head: "no effect", neuron: "constant" }; // what a component without needs is called

function needsChip(needs, text, what = "head") {
  const name = needs || NOTHING[what];
  return el("span", { class: `chip needs-${needs || "none"}`, title: glossary.needs }, text ?? name);
}

// "tokens" as what it is to know: "the token and the one before it".
const inWords = (settings, needs) => settings.needs_words[needs] ?? needs;

// The label of a head and what its effect on the loss needs, as one line.
function headNeeds(settings, needs) {
  if (!needs) return [" (where it looks); mean ablation does not raise the loss"];
  return [" (where it looks); for the loss it needs ", needsChip(needs, inWords(settings, needs))];
}

function neuronNeeds(settings, needs) {
  if (!needs) return [" (what it fires on); its activation is constant"];
  return [" (what it fires on); predicting it needs ", needsChip(needs, inWords(settings, needs), "neuron")];
}

// A share as a bar from 0 to 1 with its interval; `enough` marks what a rung must reach.
function gauge(value, low, high, enough) {
  const at = (x) => `${(100 * Math.min(1, Math.max(0, x))).toFixed(1)}%`;
  const known = (x) => x !== null && x !== undefined;
  const parts = [known(value) ? el("span", { class: "fill", style: { width: at(value) } }) : null,
    known(enough) ? el("span", { class: "enough", style: { left: at(enough) } }) : null,
    known(low) && known(high) ? el("span", { class: "whisker",
      style: { left: at(low), width: `${Math.max(0.5, 100 * (Math.min(1, Math.max(0, high)) - Math.min(1, Math.max(0, low)))).toFixed(1)}%` } }) : null];
  return el("span", { class: "gauge", "aria-hidden": "true" }, parts);
}

// Rungs as rows. `name` begins the columns: keeps_tokens, keeps_tokens_low, keeps_tokens_high.
function ladder(title, caption, account, name, rungs, { needs, enough, beside = [] }) {
  const rows = [...rungs, ...beside].filter((rung) => account[`${name}_${rung}`] !== undefined).map((rung) => {
    const [value, low, high] = ["", "_low", "_high"].map((end) => account[`${name}_${rung}${end}`]);
    const shown = rung.replaceAll("_", " ");
    return [rung === needs ? el("strong", {}, shown) : shown, gauge(value, low, high, enough), number(value), interval(low, high)];
  });
  return el("div", {}, el("h3", {}, title), el("p", { class: "caption" }, caption),
    table(title, ["rung", "from 0 to 1", "share", "95 % interval"], rows));
}

function headLadders(account, settings) {
  const { rungs, keeps, keeps_low } = settings;
  const rise = `${number(account.ablation_loss_increase, 4)} nats per token (${interval(account.ablation_loss_increase_low, account.ablation_loss_increase_high, 4)})`;
  const explained = ladder("Where it looks", "Share of the pattern’s departure from uniform attention that the rung explains.",
    account, "explained", rungs, {});
  const kept = account.needs === "" ? el("div", {}, el("h3", {}, "What it does for the loss"),
    el("p", {}, `Replacing the head’s output by its mean changes the loss by ${rise}: there is nothing to keep, so no share is given.`))
    : ladder("What it does for the loss", `Share of the head’s effect on the loss that is left with the rung’s pattern. Mean ablation costs ${rise}.`,
      account, "keeps", rungs, { needs: account.needs, enough: keeps });
  return section("The ladder", el("p", { class: "caption" },
    `What the pattern is predicted from: the position, the tokens, each token and the one before it, the last three tokens. A rung is enough if it keeps ${keeps} (the mark) with the lower end of the interval above ${keeps_low}; a head that no rung up to the predecessor is enough for needs context.`),
    el("div", { class: "card" }, kept, explained));
}

const rank = (value) => value === null || value === undefined ? null : value.toLocaleString("en");

function headTokens(account) {
  const copies = [account.copies, account.copies_names].filter(Boolean).join(", ");
  if (!account.drawn_to?.length && !account.raises?.length) return null;
  const same = account.drawn_to?.join("\0") === account.raises_at?.join("\0");
  return section("Tokens it is drawn to, and what it does there", el("p", { class: "caption" },
    `Drawn to: the largest mean scores as keys. Raises and lowers: by its value and output weights alone, where it attends to ${same ? "these tokens" : "the tokens that stand after “at”"}.`),
    facts([
      ["drawn to", account.drawn_to?.length ? tokenList(account.drawn_to) : null],
      ["at", !same && account.raises_at?.length ? tokenList(account.raises_at) : null],
      ["raises there", account.raises?.length ? tokenList(account.raises) : null],
      ["lowers there", account.lowers?.length ? tokenList(account.lowers) : null],
      ["copies", copies || null],
      ["copying", number(account.copying)],
      ["median copy rank", rank(account.copy_rank)],
      ["median copy rank of names", rank(account.name_copy_rank)],
    ]));
}

const headNamed = (name) => headLink(...pair(name, "head"));
const neuronNamed = (name) => neuronLink(...pair(name, "neuron"));
const WAYS = { Q: "queries", K: "keys", V: "values" };

// "K 1.4" as a link to head L1H4, by way.
function byWay(names, sizes) {
  const found = { Q: [], K: [], V: [] };
  names.forEach((name, i) => {
    const [way, head] = name.split(" ");
    const size = sizes?.[i];
    found[way].push([headNamed(head), size === undefined || size === null ? null : el("small", { class: "faint" }, ` z ${number(size, 1)}`)]);
  });
  return found;
}

const listed = (items) => items.length ? items.flatMap((item, i) => (i ? [", ", item] : [item])) : null;

function neuronsOf(found) {
  if (!found?.count) return null;
  const more = found.count - found.first.length;
  return [...listed(found.first.map(neuronNamed)), more > 0 ? ` and ${more.toLocaleString("en")} more` : ""];
}

function headLinks(account, linked) {
  if (!account.composes_with) return null;
  const reads = byWay(account.composes_with, account.composition);
  const readers = byWay(account.head_read_by ?? []);
  const lines = [
    ...Object.keys(WAYS).map((way) => [`its ${WAYS[way]} read`, listed(reads[way])]),
    ...Object.keys(WAYS).map((way) => [`read by the ${WAYS[way]} of`, listed(readers[way])]),
    ["writes to neurons", neuronsOf(linked?.writes_to)],
    ["reads neurons", neuronsOf(linked?.reads)],
  ];
  const any = lines.some(([, value]) => value);
  return section("Composition", el("p", { class: "caption" },
    "By the weights alone: what is linked more strongly than random rotations would link it, at a false discovery rate of .05; z counts deviations above them."),
    any ? facts(lines) : el("p", {}, "It is linked to no head or neuron more than random rotations would."));
}

function headAccount({ account, linked }, settings) {
  return account ? [headLadders(account, settings), headTokens(account), headLinks(account, linked)] : [];
}

function neuronLadder(account, settings) {
  if (account.needs === "") return section("The ladder", el("p", {}, "The activation does not vary, so there is nothing to explain."));
  const { neuron_rungs, r2, r2_low } = settings;
  const rungs = ladder("How much is predicted", "r²: share of the variance that the mean given what the rung knows explains.",
    account, "r2", neuron_rungs, { needs: account.needs, enough: r2, beside: ["tag", "tag_pair"] });
  const names = ["mean", ...neuron_rungs].filter((name) => account[`effect_${name}`] !== undefined);
  const effects = names.length ? el("div", {}, el("h3", {}, "What it costs"), el("p", { class: "caption" },
    "First-order estimate of the rise in loss with the prediction in the neuron’s place."),
    table("Rise in loss by what stands in the neuron’s place", ["in its place", "nats per token"],
      names.map((name) => [name, number(account[`effect_${name}`], 5)]))) : null;
  return section("The ladder", el("p", { class: "caption" },
    `What the activation is predicted from: the position, the token, the token and the one before it, the last three tokens; beside them the part of speech (tag) and that of the word before with it. A rung is enough with r² of ${r2} (the mark) and the lower end of the interval above ${r2_low}.`),
    el("div", { class: "card" }, rungs, effects));
}

function neuronRules(account) {
  if (!account.rules?.length) return null;
  const f1 = interval(account.rules_f1_low, account.rules_f1_high);
  const scores = `Together they reach F1 ${number(account.rules_f1)}${f1 === "–" ? "" : ` (${f1})`} on TEST: precision ${number(account.rules_precision)}, recall ${number(account.rules_recall)}. As many single tokens reach ${number(account.token_f1)}.`;
  return section("Rules", el("p", {}, scores),
    el("ol", { class: "rules" }, account.rules.map((rule) => el("li", {}, oneLine(rule)))));
}

function neuronLinks(account) {
  const known = account.written_by || account.read_by || account.family;
  if (!known) return null;
  const readers = byWay(account.read_by ?? []);
  return section("By its weights", el("p", { class: "caption" },
    "Family: what its output does to the logits. Heads: linked beyond random rotations."), facts([
    ["family", account.family || "none of prediction, suppression, partition"],
    ["in · out", account.in_out_cosine === undefined ? null : `cosine ${number(account.in_out_cosine)}`],
    ["heads that write to it", listed((account.written_by ?? []).map(headNamed)) ?? "none beyond chance"],
    ...Object.keys(WAYS).map((way) => [`read by the ${WAYS[way]} of`, listed(readers[way])]),
    ["heads that read it", account.read_by?.length ? null : "none beyond chance"],
  ]));
}

// All neurons of a layer at once: what each rung keeps of what they do for the loss.
function layerLadder(account, layer) {
  const rows = account.layers.filter((row) => row.layer === layer);
  if (!rows.length) return null;
  const [first] = rows;
  const rise = `${number(first.ablation_loss_increase, 3)} nats per token (${interval(first.ablation_loss_increase_low, first.ablation_loss_increase_high, 3)})`;
  return section("All neurons at once", el("p", { class: "caption" },
    `Share of what the layer’s neurons do for the loss that is left with the rung’s predictions in their place. Mean ablation costs ${rise}.`),
    table("What each rung keeps", ["rung", "from 0 to 1", "share", "95 % interval"], rows.map((row) =>
      [row.rung, gauge(row.keeps, row.keeps_low, row.keeps_high), number(row.keeps), interval(row.keeps_low, row.keeps_high)])));
}

// The whole model: what all heads, all neurons or both at once recover, n-gram models below.
const PART_NAMES = { heads: "all heads", neurons: "all neurons", both: "both at once", language: "n-gram models" };

function modelAccount(account) {
  const { rows, notes } = account;
  const unigram = rows.find((row) => row.rung === "1-gram");
  const shown = rows.filter((row) => row.rung !== "means" && row.rung !== "1-gram");
  const lines = shown.map((row) => [PART_NAMES[row.part] ?? row.part, row.rung, number(row.nats, 3),
    [gauge(row.loss_recovered, row.low, row.high), ` ${number(row.loss_recovered)}`],
    [gauge(row.loss_recovered_unigram, row.unigram_low, row.unigram_high), ` ${number(row.loss_recovered_unigram)}`],
    interval(row.unigram_low, row.unigram_high), (row.parameters ?? 0).toLocaleString("en")]);
  return section("The account of the model", el("p", {},
    `Nats per token on ${(notes.test_tokens ?? 0).toLocaleString("en")} TEST tokens: ${number(notes.nats_intact, 3)} intact, ${number(unigram?.nats, 3)} by unigrams, ${number(notes.nats_at_means, 3)} with everything at its mean.`),
    el("p", { class: "caption" }, "Loss recovered with what a rung predicts in the place of heads, neurons or both: from everything at its mean, and from the unigram model, the stricter scale, with its 95 % interval. An account that does not beat the n-gram models of the same text says no more of this model than of the language."),
    table("Loss recovered by rung", ["replaced", "rung", "nats", "from the means", "from unigrams", "95 % interval", "numbers stored"], lines));
}

// Buttons that show one of several things; `draw(name)` gives it.
function switched(label, names, draw) {
  const shown = el("div", {});
  const buttons = names.map(([name, text]) => {
    const button = el("button", { type: "button", class: "switch", "aria-pressed": "false" }, text);
    button.addEventListener("click", () => show(name));
    return [name, button];
  });
  const show = (wanted) => {
    for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === wanted));
    shown.replaceChildren(...draw(wanted));
  };
  show(names[0][0]);
  return [el("div", { class: "filters", role: "group", "aria-label": label }, el("span", { class: "faint" }, label), ...buttons.map(([, button]) => button)), shown];
}

// How many need what, as chips in the order of the ladder.
const NEEDS_ORDER = ["position", "token", "tokens", "predecessor", "context", ""];

function needsLegend(pairs, what) {
  const counts = new Map();
  for (const [needs, count] of pairs) counts.set(needs, (counts.get(needs) ?? 0) + count);
  return el("ul", { class: "legend" }, NEEDS_ORDER.filter((needs) => counts.get(needs)).map((needs) =>
    el("li", {}, needsChip(needs, `${needs || NOTHING[what]} ${counts.get(needs).toLocaleString("en")}`, what))));
}
