// Sample grids side by side: those of the same latents together, a card for each group.

// Widths in pixels, and what they are called.
const SIZES = [[96, "S"], [180, "M"], [320, "L"]];

function picturesSection() {
  const pictured = data.runs.filter((run) => run.picture);
  if (!pictured.length) return null;
  const keys = new Map();
  for (const run of pictured) {
    if (!keys.has(run.latents ?? null)) keys.set(run.latents ?? null, []);
    keys.get(run.latents ?? null).push(run);
  }
  const order = [...keys].sort(([a], [b]) => (a === null) - (b === null));
  const enlarge = viewer(order.flatMap(([, members]) => byGroup(members).flatMap(([, shown]) => shown)));
  const note = keys.size === 1 && !keys.has(null)
    ? "All from the same z: what differs between them is the model. Click to enlarge."
    : "Those under one heading come from the same z. Click to enlarge.";
  const node = section("pictures", "Samples", note);
  const sizes = choice("Size", SIZES, SIZES[1][0], (width) => {
    for (const image of node.querySelectorAll("img")) thumbnail(image, width);
  });
  node.append(el("div", { class: "tools" }, sizes));
  node.append(el("div", { class: "latents" }, order.map(([key, members]) => {
    const title = key === null ? "From latents that are not known" : "From the same z";
    return el("div", {}, keys.size > 1 ? el("h3", {}, title, el("small", {}, key)) : null,
      el("div", { class: "cards" }, byGroup(members).map(([label, shown]) => pictureCard(label, shown, enlarge))));
  })));
  return node;
}

/** Runs by group, the groups in the order of the ranking, seeds in order. */
function byGroup(members) {
  const shown = (label) => members.filter((run) => run.group === label).sort((a, b) => a.seed - b.seed);
  return [...groups.keys()].map((label) => [label, shown(label)]).filter(([, some]) => some.length);
}

function pictureCard(label, shown, enlarge) {
  return el("div", { class: "card", "data-group": label }, groupButton(label), el("div", { class: "row" }, shown.map((run) => {
    const image = picture(run);
    image.addEventListener("load", () => thumbnail(image, SIZES[1][0]));
    const kind = { type: "button", class: "picture", "aria-label": `Enlarge ${caption(run)}` };
    const button = el("button", { ...kind, onclick: () => enlarge(run) }, image);
    const seed = el("span", {}, run.seed === null ? run.name : `seed ${run.seed}`);
    return el("figure", {}, button, el("figcaption", {}, seed, trouble(run)));
  })));
}

/** A run's samples; pictures of points, too, come from the data and never from elsewhere. */
function picture(run) {
  const image = el("img", { alt: `Samples of ${caption(run)}`, decoding: "async" });
  if (run.picture.startsWith("data:image/")) image.src = run.picture;
  return image;
}

/** Show a picture about so wide: a small one at a whole multiple with sharp pixels, a larger one shrunk smoothly. */
function fit(image, width, rounded = Math.round) {
  const multiple = rounded(width / image.naturalWidth);
  image.classList.toggle("whole", multiple >= 1);
  image.style.width = `${multiple >= 1 ? image.naturalWidth * multiple : width}px`;
}

/** So wide, and at most about twice as high: a tall picture would fill the page. */
function thumbnail(image, width) {
  fit(image, Math.min(width, (2 * width * image.naturalWidth) / image.naturalHeight));
}

function caption(run) {
  return `${run.group}${run.seed === null ? "" : `, seed ${run.seed}`}`;
}

/** What is wrong with a run, if anything. */
function trouble(run) {
  if (run.health && run.health.verdict !== "healthy") return badge(run.health.verdict);
  return run.status === "finished" ? null : badge(run.status);
}

/** A dialog with one picture as large as there is room for; arrow keys go on to the others. */
function viewer(all) {
  const title = el("h3");
  const numbers = el("p");
  const place = el("div", { class: "frame" });
  const button = (text, label, onclick) =>
    el("button", { type: "button", class: "plainbutton", "aria-label": label, onclick }, text);
  let at = 0;
  const dialog = el("dialog", { class: "viewer", "aria-label": "Samples" },
    el("div", { class: "top" }, title, numbers, el("span", { class: "space" }),
      button("←", "Previous", () => go(-1)), button("→", "Next", () => go(1)), button("Close", "Close", () => dialog.close())),
    place);
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) go(step);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);

  function go(step) {
    at = (at + step + all.length) % all.length;
    const run = all[at];
    title.replaceChildren(swatch(run.group), caption(run));
    const said = [valueLine(run), isNumber(run.iteration) ? `iteration ${number(run.iteration)}` : null];
    numbers.replaceChildren(said.filter(Boolean).join(" · "), trouble(run) ?? "");
    const image = picture(run);
    image.addEventListener("load", () => {
      const width = Math.min(innerWidth * 0.92, (innerHeight * 0.82 * image.naturalWidth) / image.naturalHeight);
      fit(image, width, Math.floor);
    });
    place.replaceChildren(image);
  }

  return (run) => {
    at = all.indexOf(run);
    go(0);
    dialog.showModal();
  };
}

/** The value by which a run is ranked, with its name. */
function valueLine(run) {
  const table = data.tables[run.table ?? 0];
  const value = table && rankingValue(run, table);
  return isNumber(value) ? `${rankingName(table)} ${number(value)}` : "not measured";
}
