"use strict";
// Loads data, draws the page, goes to the next one. What is shown is the page's fragment, #L4H3, so
// that links, bookmarks and "back" work. A browser refuses to fetch files from disk but runs scripts
// from there, so data files are scripts: each calls atlas.put with its name.

const atlas = {
  promises: new Map(),
  receivers: new Map(),
  drawn: 0,

  put(name, data) {
    atlas.receivers.get(name)?.(data);
  },

  // A data file, loaded once.
  load(name) {
    if (!atlas.promises.has(name)) {
      atlas.promises.set(name, new Promise((resolve, reject) => {
        atlas.receivers.set(name, resolve);
        const script = document.createElement("script");
        script.src = `data/${name}.js`;
        script.addEventListener("error", () => reject(new Error(`data/${name}.js is missing`)));
        document.head.append(script);
      }));
    }
    return atlas.promises.get(name);
  },

  // Draws the page now and whenever its fragment changes. `draw(target)` gives its title, what it
  // holds, the links before and after it, and the name that belongs in the address.
  start(draw) {
    const show = async (event) => {
      const turn = ++atlas.drawn;
      let page;
      try {
        page = await draw(fragment());
      } catch (error) {
        page = { title: "Nothing here", content: [el("p", {}, error.message)] };
      }
      if (!page || turn !== atlas.drawn) return; // it went elsewhere, or a later page was asked for
      const main = document.getElementById("main");
      const heading = el("h1", { tabindex: "-1" }, page.title);
      main.replaceChildren(pager(page), heading, ...page.content);
      document.title = [page.title, atlas.index?.model].filter(Boolean).join(" · ");
      if (page.name) nameInAddress(page.name);
      main.dataset.ready = fragment();
      page.shown?.();
      if (event) {
        heading.focus({ preventScroll: true });
        window.scrollTo(0, 0);
      }
    };
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault(); // the fragment says what is shown, and stays
      document.getElementById("main").focus();
    });
    atlas.load("index").then((index) => {
      atlas.index = index;
      Object.assign(glossary, index.glossary);
      window.addEventListener("hashchange", show);
      show();
    });
  },
};

// Links to the previous and the next page, which the arrow keys follow, too.
function pager(page) {
  const link = (rel, target, text) =>
    target ? el("a", { href: target.href, rel, class: "page" }, text(target.name)) : el("span", {});
  if (!page.previous && !page.next) return el("div", { class: "pager" });
  return el("nav", { class: "pager", "aria-label": "Previous and next" },
    link("prev", page.previous, (name) => `← ${name}`), link("next", page.next, (name) => `${name} →`));
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  const typing = event.target.closest?.("input, select, textarea, .story");
  if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !typing) {
    const rel = event.key === "ArrowLeft" ? "prev" : "next";
    document.querySelector(`.pager a[rel=${rel}]`)?.click();
  }
});
