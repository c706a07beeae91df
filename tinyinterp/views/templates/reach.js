"use strict";
// That everything is reached: by the keyboard, and on a screen that shows a part of the page.

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

// Brings a heading that lies out of sight into view and moves the focus there; one that is seen
// stays where it is, and so does the focus.
function reveal(heading) {
  const { top, bottom } = heading.getBoundingClientRect();
  if (top >= 0 && bottom <= 0.85 * window.innerHeight) return;
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
}

// A button that leads from a detail back to where it was chosen: `target()` gives the element.
function wayBack(text, target) {
  const button = el("button", { type: "button", class: "switch back" }, text);
  button.addEventListener("click", () => {
    const element = target();
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
  });
  return button;
}

// "/" goes to the page's search, the first one if there are several.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented || event.key !== "/") return;
  if (event.target.closest?.("input, select, textarea")) return;
  const field = document.querySelector("input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// Fades the side at which a region goes on; `hint`, if there is one, is shown while there is more
// than fits.
function watchSides(region, hint) {
  const look = () => {
    const hidden = region.scrollWidth - region.clientWidth;
    region.classList.toggle("more", hidden > 1 && region.scrollLeft < hidden - 1);
    if (hint) hint.hidden = hidden <= 1;
  };
  region.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(region);
}

// A region that scrolls sideways where it must, which the keyboard can do, too.
function scrolling(name, content, hint) {
  const region = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, content);
  watchSides(region, hint);
  return region;
}
