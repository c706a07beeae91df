"use strict";
// The search field: the first of what is found, by what it is, and a link to all of it.

const MOST_OF_ONE = 3; // results of a kind of thing that the field lists
const MOST_FOUND = 15;

{
  const field = document.getElementById("query");
  const list = document.getElementById("results");
  const status = document.getElementById("found");

  const close = () => {
    list.hidden = true;
    list.replaceChildren();
    status.textContent = "";
  };

  // The first few of everything, so that many tokens do not hide a head.
  const first = (found) => {
    if (found.length <= MOST_FOUND) return found;
    const counts = new Map();
    return found.filter(({ what }) => {
      counts.set(what, (counts.get(what) ?? 0) + 1);
      return counts.get(what) <= MOST_OF_ONE;
    }).slice(0, MOST_FOUND);
  };

  const result = (href, what, name, about) => el("li", {}, el("a", { href }, el("small", {}, `${what} `), name,
    about ? el("span", { class: "faint" }, ` ${about}`) : null));

  const search = async () => {
    const query = field.value.trim();
    if (!query) return close();
    const found = await finder.find(query);
    if (query !== field.value.trim()) return undefined; // more was typed meanwhile
    const shown = first(found);
    const items = shown.map(({ href, what, name, about }) => result(href, what, name, about));
    const all = found.length > shown.length
      ? [result(`find.html#${encodeURIComponent(query)}`, "All", `${found.length.toLocaleString("en")} results`)] : [];
    list.replaceChildren(...items, ...all);
    list.hidden = !found.length;
    status.textContent = found.length ? `${found.length.toLocaleString("en")} found` : "nothing found";
    return undefined;
  };

  const move = (event) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      field.focus();
    } else if (event.key === "ArrowDown" && links.length) {
      links[Math.min(at + 1, links.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      (links[at - 1] ?? field).focus();
    } else {
      return;
    }
    event.preventDefault();
  };

  field.addEventListener("focus", () => finder.all(), { once: true });
  field.addEventListener("input", search);
  field.addEventListener("keydown", async (event) => {
    if (event.key !== "Enter") return;
    await search();
    list.querySelector("a")?.click();
  });
  document.querySelector("search").addEventListener("keydown", move);
  list.addEventListener("click", (event) => {
    if (!event.target.closest("a")) return;
    field.value = "";
    setTimeout(close); // after the link was followed
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("search")) close();
  });
}
