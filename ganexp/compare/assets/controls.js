// What the reader presses, chooses and copies.

/** A button that is on or off. */
function toggle(text, pressed, onclick, title = null) {
  const button = el("button", { type: "button", class: "toggle", "aria-pressed": String(pressed), title }, text);
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    onclick(on);
  });
  return button;
}

/** One of several, as buttons beside each other. */
function choice(label, options, chosen, onchoose) {
  const buttons = options.map(([value, text]) =>
    el("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => choose(value) }, text));
  function choose(value) {
    options.forEach(([other], i) => buttons[i].setAttribute("aria-pressed", String(other === value)));
    onchoose(value);
  }
  return el("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}

/** A command with a button that copies it. */
function command(text, label = null) {
  const button = el("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "Copy");
  button.addEventListener("click", async () => {
    const copied = await copy(text);
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const line = el("div", { class: "command" }, el("code", { tabindex: 0 }, text), button);
  return label ? el("div", { class: "labelled" }, el("span", {}, label), line) : line;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Some browsers keep the clipboard from files; a selection that can be copied by hand remains.
    const area = el("textarea", { class: "offscreen" }, text);
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

/** A menu of names that can be ticked, with a field that narrows it where they are many. */
function picker(title, names, shown, redraw) {
  const label = el("span", {}, "");
  const say = () => { label.textContent = `${title} ${shown.size} of ${names.length}`; };
  const list = el("div", { class: "list" }, names.map((name) => {
    const box = el("input", { type: "checkbox", value: name });
    box.checked = shown.has(name);
    box.addEventListener("change", () => {
      if (box.checked) shown.add(name);
      else shown.delete(name);
      say();
      redraw();
    });
    return el("label", {}, box, el("span", {}, name));
  }));
  const filter = el("input", { type: "search", placeholder: "filter", "aria-label": `Filter ${title.toLowerCase()}` });
  filter.addEventListener("input", () => {
    for (const item of list.children) item.hidden = !item.textContent.includes(filter.value.trim());
  });
  say();
  const menu = el("details", { class: "menu" }, el("summary", {}, label),
    el("div", { class: "sheet" }, names.length > 12 ? filter : null, list));
  addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") menu.open = false; });
  return menu;
}
