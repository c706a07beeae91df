// One stop of the tab key for many buttons; the arrow keys go through them.

export function walkable(box, buttons, current, columns = () => 1) {
  const stop = (at) => buttons.forEach((button, i) => { button.tabIndex = i === at ? 0 : -1; });
  stop(Math.max(0, current));
  box.onkeydown = (event) => {
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : at + step;
    if (at < 0 || !(to >= 0 && to < buttons.length)) return;
    event.preventDefault();
    stop(to);
    buttons[to].focus();
  };
}
