"use strict";
// The search field: heads and neurons by number, tags by name, tokens by what they begin with.

const MOST_FOUND = 12;

// "4.3" is a head and a neuron; "head 4.3" or "n4.3" one of them.
function numbersIn(query) {
  const match = /^(h|head|n|neuron)?\s*(\d+)[./](\d+)$/i.exec(query);
  if (!match) return [];
  const wanted = match[1]?.[0].toLowerCase() ?? "hn";
  const [layer, unit] = [Number(match[2]), Number(match[3])];
  const name = `${layer}.${unit}`;
  const found = [];
  if (wanted.includes("h") && atlas.index.heads.some((row) => row.layer === layer && row.head === unit)) {
    found.push({ href: pageOf.head(layer, unit), words: ["Head ", name] });
  }
  const neurons = atlas.index.neurons.find((row) => row.layer === layer)?.neurons ?? 0;
  if (wanted.includes("n") && unit < neurons) {
    found.push({ href: pageOf.neuron(layer, unit), words: ["Neuron ", name] });
  }
  return found;
}

function tagsIn(query) {
  return atlas.index.tags.filter((tag) => tag.toLowerCase().startsWith(query.toLowerCase()))
    .map((tag) => ({ href: pageOf.tag(tag), words: ["Tag ", tag] }));
}

function tokensIn(query, tokens) {
  const bare = query.replace(/␣/g, " ").trim().toLowerCase();
  if (!bare) return [];
  const plain = (token) => token.trim().toLowerCase();
  const begin = tokens.filter((token) => plain(token).startsWith(bare));
  begin.sort((a, b) => plain(a).length - plain(b).length); // the token itself comes first
  return begin.map((token) => ({ href: pageOf.token(token), words: ["Token ", visible(token)] }));
}

{
  const field = document.getElementById("query");
  const list = document.getElementById("results");
  const status = document.getElementById("found");

  const close = () => {
    list.hidden = true;
    list.replaceChildren();
    status.textContent = "";
  };

  const search = async () => {
    const query = field.value.trim();
    if (!query) return close();
    const [index, tokens] = await Promise.all([atlas.load("index"), atlas.load("tokens")]);
    atlas.index ??= index;
    if (query !== field.value.trim()) return undefined; // more was typed meanwhile
    const found = [...numbersIn(query), ...tagsIn(query), ...tokensIn(query, tokens)]
      .slice(0, MOST_FOUND);
    list.replaceChildren(...found.map(({ href, words: [what, name] }) =>
      el("li", {}, el("a", { href }, el("small", {}, what), name))));
    list.hidden = !found.length;
    const counted = found.length === MOST_FOUND ? `first ${MOST_FOUND}` : `${found.length}`;
    status.textContent = found.length ? `${counted} found` : "nothing found";
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
