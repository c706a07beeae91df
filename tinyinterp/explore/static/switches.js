// What is switched off, and what takes its place.
import { change, state, toggle } from "./state.js";

const NAME = /^\s*#?L?\s*(\d{1,6})\s*([HN.])\s*(\d{1,9})\s*$/i;

export function drawSwitches(box) {
  const { off, instead } = state();
  const field = el("input", { type: "text", id: "part", size: "9", autocomplete: "off", spellcheck: "false", placeholder: "L6H7", "aria-describedby": "part-said" });
  const said = el("span", { class: "caption", id: "part-said", role: "status" });
  const form = el("form", { class: "filters" }, el("label", {}, "Head or neuron ", field), el("button", { class: "switch" }, "Switch off"), said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const match = NAME.exec(field.value);
    if (!match) {
      said.textContent = "write L6H7 for head 7 of layer 6, L4N428 for neuron 428 of layer 4";
      return;
    }
    const name = `L${Number(match[1])}${match[2].toUpperCase() === "N" ? "N" : "H"}${Number(match[3])}`;
    if (!off.includes(name)) toggle(name);
    document.getElementById("part").focus();
  });
  const choice = el("select", { id: "instead" }, el("option", { value: "mean" }, "their mean"), el("option", { value: "zero" }, "zero"));
  choice.value = instead;
  choice.addEventListener("change", () => { change({ instead: choice.value }); document.getElementById("instead").focus(); });
  const listed = off.map((name) => {
    const button = el("button", { type: "button", class: "switch", "aria-label": `Switch ${name} on again` }, `${name} ×`);
    button.addEventListener("click", () => { toggle(name); document.getElementById("part").focus(); });
    return el("li", {}, button);
  });
  box.replaceChildren(el("h2", { id: "switches-title" }, "Switched off"), form, off.length ? el("ul", { class: "removable" }, listed) : el("p", { class: "caption" }, "Nothing is off."),
    el("label", {}, "In their place: ", choice));
}
