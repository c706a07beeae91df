// Each block of code has a landmark of its own for its copy button, which must be told apart.
const named = () => document.querySelectorAll("nav.md-code__nav:not([aria-label])").forEach((nav) => {
  const button = nav.querySelector("[data-clipboard-target]");
  if (button) nav.setAttribute("aria-label", `Code ${button.dataset.clipboardTarget.match(/\d+/)}`);
});
new MutationObserver(named).observe(document.body, { childList: true, subtree: true });
named();
