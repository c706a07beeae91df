// The text as tokens with their losses, and what the model predicts after one of them.
import { change, state } from "./state.js";
import { walkable } from "./walk.js";

const MOST_NATS = 8; // the darkest chip
const halves = (run) => (run.intact ? [["Intact", run.intact], [`Without ${run.off.join(", ")}`, run.changed]] : [["", run.changed]]);

export const position = (run) => Math.min(state().at ?? run.tokens.length - 1, run.tokens.length - 1);

// The token whose logit is looked at: the chosen one, else the one that follows, else the likeliest.
export function target(run) {
  const at = position(run);
  return state().token ?? run.ids[at + 1] ?? run.changed.next.tokens[at][0];
}

const shade = (loss) => 0.55 * Math.min(1, loss / MOST_NATS);

export function drawTokens(box, run) {
  const { intact, changed } = run;
  const at = position(run);
  const buttons = run.tokens.map((token, i) => {
    const loss = changed.losses[i - 1];
    const before = intact?.losses[i - 1];
    const numbers = loss === undefined ? "" : before === undefined ? number(loss) : `${number(before)} → ${number(loss)}`;
    const said = loss === undefined ? visible(token) : `${visible(token)}: loss ${before === undefined ? "" : `${number(before)} intact, `}${number(loss)} nats${before === undefined ? "" : " now"}`;
    const button = el("button", { type: "button", class: "word", "aria-pressed": String(i === at), "aria-label": said, title: `position ${i}` },
      visible(token), el("small", {}, numbers || "start"));
    if (loss !== undefined) button.style.background = `rgba(var(--hit), ${shade(loss).toFixed(3)})`;
    button.addEventListener("click", () => change({ at: i, token: null, against: null }));
    return button;
  });
  const words = el("div", { class: "words-of-text", role: "group", "aria-label": "Tokens; arrow keys go through them" }, buttons);
  walkable(words, buttons, at);
  const means = intact ? `${number(intact.mean_loss, 3)} nats a token intact, ${number(changed.mean_loss, 3)} without ${run.off.join(", ")}`
    : changed.mean_loss === null ? "" : `${number(changed.mean_loss, 3)} nats a token`;
  const focused = box.contains(document.activeElement) && document.activeElement.classList.contains("word");
  box.replaceChildren(el("h2", { id: "tokens-title" }, "Tokens and their losses"),
    el("p", { class: "caption" }, `${means ? `${means}. ` : ""}Choose a token to see what the model predicts after it.`), words);
  if (focused) buttons[at].focus();
}

function tokenButton(run, token) {
  const button = el("button", { type: "button", class: "plain", title: "show what adds to its logit" }, visible(run.texts[token] ?? "?"));
  button.addEventListener("click", () => change({ token }));
  return button;
}

const meter = (share) => el("span", { class: "meter", "aria-hidden": "true" }, el("span", { style: { width: `${(100 * share).toFixed(1)}%` } }));

function distribution(run, half, name, at) {
  const { tokens, probabilities } = half.next;
  const rows = tokens[at].map((token, i) => [String(i + 1), tokenButton(run, token), number(probabilities[at][i], 4), meter(probabilities[at][i])]);
  return el("div", {}, name ? el("h3", {}, name) : null, table(`The ten likeliest next tokens ${name}`, ["rank", "token", "probability", ""].slice(0, 3).concat("share"), rows));
}

function lens(run, half, name, at) {
  const { tokens, probabilities, next_probability: next, next_rank: rank } = half.lens;
  const last = tokens.length - 1;
  const follows = run.tokens[at + 1];
  const rows = tokens.map((level, i) => [
    i === 0 ? "embedding" : i === last ? `layer ${i - 1}: the prediction` : `layer ${i - 1}`,
    level[at].flatMap((token, j) => [j ? "  " : "", `${visible(run.texts[token] ?? "?")} ${number(probabilities[i][at][j])}`]),
    ...(follows === undefined ? [] : [number(next[i][at], 4), String(rank[i][at])]),
  ]);
  const headings = ["after", "likeliest tokens", ...(follows === undefined ? [] : [`probability of ${visible(follows)}`, "its rank"])];
  return el("div", {}, name ? el("h3", {}, name) : null, table(`Logit lens ${name}`, headings, rows));
}

export function drawPrediction(box, run) {
  const at = position(run);
  const follows = run.tokens[at + 1];
  const losses = follows === undefined ? "It is the last token: nothing follows."
    : `Then comes ${visible(follows)}: loss ${halves(run).map(([name, half]) => `${number(half.losses[at], 3)} nats${name ? ` (${name.toLowerCase().replace(/l(\d+)([hn])/g, (_, l, c) => `L${l}${c.toUpperCase()}`)})` : ""}`).join(", ")}.`;
  box.replaceChildren(el("h2", { id: "prediction-title" }, "Prediction after ", el("span", { class: "token" }, visible(run.tokens[at])), ` (position ${at})`),
    el("p", { class: "caption" }, losses),
    el("div", { class: "halves" }, halves(run).map(([name, half]) => distribution(run, half, name, at))),
    el("h3", {}, "Logit lens"),
    el("p", { class: "caption" }, "What the model would predict if it stopped after a layer: the final norm and the output head, applied to the residual stream there."),
    el("div", { class: "halves" }, halves(run).map(([name, half]) => lens(run, half, name, at))));
}
