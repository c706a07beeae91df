// The model goes on with the text, under the same switches.
import { lines } from "./api.js";
import { state } from "./state.js";

let running = null;

export function stopWriting() {
  running?.abort();
  running = null;
}

export function setUpWriting(box) {
  const input = (id, label, value, attributes) => {
    const field = el("input", { type: "number", id, value, ...attributes });
    return [el("label", {}, `${label} `, field), field];
  };
  const [one, temperature] = input("temperature", "Temperature", "0.7", { min: "0", max: "5", step: "0.1" });
  const [two, most] = input("most", "Tokens", "60", { min: "1", max: "200" });
  const [three, seed] = input("seed", "Seed", "0", { min: "0", max: "999999999" });
  const start = el("button", { class: "switch", id: "write" }, "Continue");
  const stop = el("button", { type: "button", class: "switch" }, "Stop");
  const shown = el("p", { class: "written", "aria-live": "off" });
  const status = el("p", { class: "caption", role: "status" });
  const form = el("form", { class: "filters" }, one, two, three, start, stop);
  stop.addEventListener("click", () => { stopWriting(); status.textContent = "stopped"; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    stopWriting();
    const mine = running = new AbortController();
    const { text, off, instead } = state();
    shown.replaceChildren(el("span", { class: "given" }, text), document.createTextNode(""));
    status.textContent = off.length ? `writing without ${off.join(", ")} …` : "writing …";
    try {
      const asked = { text, off, instead, temperature: Number(temperature.value), max_tokens: Number(most.value), seed: Number(seed.value) };
      for await (const piece of lines("/api/generate", asked, mine.signal)) {
        shown.lastChild.textContent += piece.text;
        if (piece.ended !== undefined) status.textContent = `${off.length ? `written without ${off.join(", ")}` : "written by the intact model"}${piece.ended ? "; the story ended" : ""}`;
      }
    } catch (error) {
      if (error.name !== "AbortError") status.textContent = error.message;
    }
  });
  box.replaceChildren(el("h2", { id: "writing-title" }, "Continue the text"), form, status, shown);
}
