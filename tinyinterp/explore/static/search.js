// The search field: heads and neurons by name, kind, role, tag, token or rule.
import { newest } from "./api.js";
import { change } from "./state.js";
import { firesOn } from "./effects.js";

const MOST_SHOWN = 20;

export function setUpSearch(open) {
  const field = document.getElementById("query");
  const list = document.getElementById("results");
  const status = document.getElementById("found");
  const asking = newest();

  const close = () => {
    list.hidden = true;
    list.replaceChildren();
    status.textContent = "";
  };

  const search = async () => {
    const query = field.value.trim();
    if (!query) return close();
    let answer;
    try {
      answer = await asking("/api/search", { query });
    } catch (error) {
      status.textContent = error.message;
      return undefined;
    }
    if (!answer) return undefined;
    list.replaceChildren(...answer.found.slice(0, MOST_SHOWN).map((one) => {
      const said = one.head === undefined ? firesOn(one) : one.role || "";
      const button = el("button", { type: "button" }, el("strong", {}, one.name), " ", [one.kind, one.needs && `needs ${one.needs}`].filter(Boolean).join(", "), " ", el("span", { class: "faint" }, said));
      button.addEventListener("click", () => {
        close();
        field.value = "";
        change(one.head === undefined ? { neuron: one.name } : { head: one.name });
        open(one.head === undefined ? "neuron" : "head");
      });
      return el("li", {}, button);
    }));
    list.hidden = !answer.found.length;
    status.textContent = answer.count ? `${answer.count.toLocaleString("en")} found${answer.count > MOST_SHOWN ? `, first ${MOST_SHOWN} shown` : ""}` : "nothing found";
    return undefined;
  };

  field.addEventListener("input", search);
  field.addEventListener("keydown", async (event) => {
    if (event.key !== "Enter") return;
    await search();
    list.querySelector("button")?.click();
  });
  document.querySelector("search").addEventListener("keydown", (event) => {
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      field.focus();
    } else if (event.key === "ArrowDown" && buttons.length) {
      buttons[Math.min(at + 1, buttons.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      (buttons[at - 1] ?? field).focus();
    } else {
      return;
    }
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("search")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    field.focus();
  });
}
