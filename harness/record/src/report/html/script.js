// Filters the list of cases and enlarges pictures. The page is whole without it.
"use strict";
(() => {
  const form = document.querySelector("form.filter");
  const field = document.getElementById("filter");
  const rigs = document.getElementById("filter-rig");
  const said = document.getElementById("filtered");
  const groups = [...document.querySelectorAll("#cases details.group")].map((group) => ({
    group,
    open: group.open,
    rows: [...group.querySelectorAll("tbody tr")].map((row) => ({ row, rig: row.dataset.rig, text: row.textContent.toLowerCase() })),
  }));
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rig = rigs ? rigs.value : "";
    const asked = words.length > 0 || rig !== "";
    let shown = 0;
    for (const { group, open, rows } of groups) {
      let here = 0;
      for (const { row, rig: on, text } of rows) {
        const fits = words.every((word) => text.includes(word)) && (rig === "" || on === rig);
        row.hidden = !fits;
        here += fits;
      }
      group.hidden = here === 0;
      group.open = asked ? here > 0 : open;
      shown += here;
    }
    said.textContent = asked ? ` ${shown} shown` : "";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 80);
  });
  if (rigs) rigs.addEventListener("change", filter);

  for (const picture of document.querySelectorAll("article .picture")) {
    const button = document.createElement("button");
    const label = (large) => {
      button.textContent = large ? "Close" : "Enlarge";
      button.setAttribute("aria-expanded", large);
      picture.classList.toggle("large", large);
    };
    button.type = "button";
    button.className = "zoom";
    button.addEventListener("click", () => label(!picture.classList.contains("large")));
    picture.addEventListener("click", (event) => event.target.closest("a") && label(false));
    for (const part of [picture, button]) part.addEventListener("keydown", (event) => event.key === "Escape" && label(false));
    picture.after(button);
    label(false);
  }

  // Older browsers do not open what a link leads into.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
})();
