// The page: what is asked when the state changes, and what is drawn anew.
import { ask, newest } from "./api.js";
import { drawEffects } from "./effects.js";
import { drawHead, drawHeads, markHead, unpackAll } from "./heads.js";
import { drawNeuron, drawNeurons } from "./neurons.js";
import { python } from "./python.js";
import { setUpSearch } from "./search.js";
import { change, numbers, onChange, restore, state } from "./state.js";
import { drawSwitches } from "./switches.js";
import { drawPrediction, drawTokens, position, target } from "./tokens.js";
import { setUpWriting, stopWriting } from "./writing.js";

const PAUSE = 120; // milliseconds without a key before the model is asked

const box = (id) => document.getElementById(id);
const [askRun, askEffects, askNeuron] = [newest(), newest(), newest()];
const field = box("text");
let model = null;
let run = null;
let attribution = null;
let neuron = null;

function say(error) {
  box("error").hidden = !error;
  box("error").textContent = error?.message ?? "";
}

function asked() {
  const { text, off, instead } = state();
  return { text, off, instead };
}

async function runText() {
  const began = performance.now();
  box("status").textContent = "computing";
  box("status").classList.add("busy");
  let answer;
  try {
    answer = await askRun("/api/run", asked());
  } catch (error) {
    box("status").textContent = "";
    box("status").classList.remove("busy");
    document.getElementById("main").dataset.state = "refused";
    say(error);
    return;
  }
  if (!answer) return; // a newer question is under way
  say(null);
  run = answer;
  box("status").classList.remove("busy");
  box("status").textContent = `${run.tokens.length - 1} tokens, at most ${model.longest.toLocaleString("en")}; answered in ${((performance.now() - began) / 1000).toFixed(2)} s`;
  unpackAll(run, model);
  drawTokens(box("tokens"), run);
  drawPrediction(box("prediction"), run);
  drawHeads(box("heads"), run, model);
  drawNeurons(box("neurons"), run, model);
  await Promise.all([showEffects(), showNeuron()]);
  document.getElementById("main").dataset.state = "ready";
}

async function showEffects(tokens) {
  if (!run) return;
  const wanted = tokens ?? { token: target(run), against: state().against };
  try {
    const answer = await askEffects("/api/attribution", { ...asked(), position: position(run), ...wanted });
    if (!answer) return;
    attribution = answer;
    if (tokens) change({ token: answer.token, against: answer.against });
    say(null);
    drawEffects(box("effects"), run, answer);
  } catch (error) {
    say(error);
  }
  drawHead(box("head"), run, model, attribution);
}

async function showNeuron() {
  const name = state().neuron;
  if (!name || !run) {
    neuron = null;
    drawNeuron(box("neuron"), run, null);
    return;
  }
  const [layer, number] = numbers(name);
  try {
    const answer = await askNeuron("/api/neuron", { ...asked(), layer, neuron: number });
    if (!answer) return;
    neuron = answer;
    drawNeuron(box("neuron"), run, answer);
  } catch (error) {
    say(error);
  }
}

// What was just chosen comes into view: on a phone it lies below.
function open(id) {
  requestAnimationFrame(() => {
    box(id).scrollIntoView({ block: "start" });
    box(id).focus({ preventScroll: true });
  });
}

let waiting = null;

function changed(now, before) {
  if (field.value !== now.text) field.value = now.text;
  const other = (name) => String(now[name]) !== String(before[name]);
  if (["text", "off", "instead"].some(other)) {
    if (other("text")) stopWriting();
    drawSwitches(box("switches"));
    box("main").dataset.state = "waiting";
    clearTimeout(waiting);
    waiting = setTimeout(runText, other("text") ? PAUSE : 0);
    return;
  }
  if (!run) return;
  if (other("at")) {
    drawTokens(box("tokens"), run);
    drawPrediction(box("prediction"), run);
    drawNeuron(box("neuron"), run, neuron);
  }
  if (["at", "token", "against"].some(other)) showEffects();
  if (other("head")) {
    markHead();
    drawHead(box("head"), run, model, attribution);
    if (now.head) open("head");
  }
  if (other("neuron")) showNeuron().then(() => now.neuron && open("neuron"));
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    box("copied").textContent = `${what} copied`;
  } catch {
    box("copied").textContent = "the browser does not let pages copy; select and copy this:";
    box("copied").append(el("pre", { tabindex: "0" }, text));
  }
}

async function begin() {
  try {
    model = await ask("/api/model");
  } catch (error) {
    say(error);
    return;
  }
  Object.assign(glossary, model.glossary);
  const title = `Explore ${model.name === "bundled" ? "the bundled model" : model.name}`;
  box("title").textContent = document.title = title;
  field.value = state().text;
  field.addEventListener("input", () => {
    if (/^http:\/\/(127\.0\.0\.1|localhost):\d+\/\?token=[\w-]*#\S+$/.test(field.value)) restore(field.value);
    else change({ text: field.value, at: null, token: null, against: null });
  });
  box("python").addEventListener("click", () => copy(python(model, state()), "Python"));
  box("address").addEventListener("click", () => copy(window.location.href, "address"));
  box("effects").addEventListener("tokens", (event) => showEffects(event.detail));
  dark.onchange = () => run && (drawHeads(box("heads"), run, model), drawHead(box("head"), run, model, attribution));
  setUpSearch(open);
  setUpWriting(box("writing"));
  drawSwitches(box("switches"));
  onChange(changed);
  await runText();
}

begin();
