// Replaces parts of the page as they change, and counts the times up in between. The page is whole without it.
"use strict";
(() => {
  // The token of the address is in a cookie now: nobody needs to see it, or to copy it along.
  if (location.search) history.replaceState(null, "", location.pathname + location.hash);
  if (!document.getElementById("rigs")) return;
  const short = (ms) => {
    const s = Math.floor(ms / 1000);
    const two = (n) => String(n).padStart(2, "0");
    if (s < 60) return `${s}s`;
    return s < 3600 ? `${Math.floor(s / 60)}m${two(s % 60)}s` : `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
  };
  const born = new WeakMap();
  const since = (element) => {
    if (!born.has(element)) born.set(element, performance.now());
    return performance.now() - born.get(element);
  };
  const tick = () => {
    for (const element of document.querySelectorAll("[data-ms]")) {
      const ms = Number(element.dataset.ms) + since(element);
      if (element.tagName === "PROGRESS") element.value = ms;
      else element.textContent = short(ms);
    }
    for (const element of document.querySelectorAll("[data-left]")) {
      element.textContent = short(Math.max(0, Number(element.dataset.left) - since(element)));
    }
  };
  tick();
  const clock = setInterval(tick, 1000);
  let said = ["", ""];
  const say = (text, lost) => {
    said = [text, lost];
    const link = document.getElementById("link");
    link.textContent = text;
    link.className = lost;
  };
  const events = new EventSource("events");
  events.addEventListener("open", () => say("● live", ""));
  events.addEventListener("error", () => say("! connection lost: what is shown may be old", "lost"));
  // A part stays as it is while a button is pressed, or a click on it would be lost; and while text in it is selected.
  const held = new Map();
  let pressed = false;
  const isHeld = (part) => {
    const selected = getSelection();
    return pressed || (selected && !selected.isCollapsed && part.contains(selected.anchorNode));
  };
  const show = (id, html) => {
    held.delete(id);
    const old = document.getElementById(id);
    if (!old) return;
    if (isHeld(old)) {
      held.set(id, html);
      return;
    }
    const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = [...old.querySelectorAll(".scroll")].map((element) => element.scrollLeft);
    old.outerHTML = html;
    const part = document.getElementById(id);
    part?.querySelectorAll(".scroll").forEach((element, n) => { element.scrollLeft = scrolled[n] ?? 0; });
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    say(...said);
    tick();
  };
  const release = () => [...held].forEach(([id, html]) => show(id, html));
  const letGo = () => setTimeout(() => { pressed = false; release(); });
  addEventListener("pointerdown", () => { pressed = true; });
  addEventListener("pointerup", letGo);
  addEventListener("pointercancel", letGo);
  addEventListener("blur", letGo);
  document.addEventListener("selectionchange", release);
  events.addEventListener("part", ({ data }) => {
    const end = data.indexOf("\n");
    show(data.slice(0, end), data.slice(end + 1));
  });
  events.addEventListener("ended", ({ data }) => {
    events.close();
    clearInterval(clock);
    say(data, "");
  });
})();
