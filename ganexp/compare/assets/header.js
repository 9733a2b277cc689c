// The bar above, and what the page says first: the verdict, what was compared, and the commands that lead here.

function bar(sections) {
  const theme = el("button", { type: "button", class: "theme", "aria-pressed": String(isDark()) }, "Dark");
  theme.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  preference.addEventListener("change", () => change("theme"));
  onChange((changed) => {
    if (changed.has("theme")) theme.setAttribute("aria-pressed", String(isDark()));
  });
  const links = sections.map((node) => el("a", { href: `#${node.id}` }, node.getAttribute("aria-label")));
  const here = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const link = links.find((other) => other.hash === `#${entry.target.id}`);
      if (entry.isIntersecting) links.forEach((other) => other.classList.toggle("here", other === link));
    }
  }, { rootMargin: "-25% 0px -70% 0px" });
  sections.forEach((node) => here.observe(node));
  document.getElementById("bar").append(el("strong", {}, "ganexp"), el("div", { class: "links" }, links), theme);
}

function header() {
  const statuses = {};
  for (const run of data.runs) statuses[run.status] = (statuses[run.status] ?? 0) + 1;
  const seeds = new Set(data.runs.map((run) => run.seed).filter((seed) => seed !== null));
  const fact = (name, ...what) => [el("dt", {}, name), el("dd", {}, what)];
  const facts = el("dl", { class: "facts" },
    fact("compared", `${count(data.runs.length, "run")} · ${count(groups.size, "group")} · ${count(seeds.size, "seed")}`),
    fact("runs", badges(statuses)),
    data.parameters.length ? fact("varied", data.parameters.map((parameter) => parameter.label).join(", ")) : [],
    fact("made", `${moment(data.made)} by ganexp ${data.version}`),
    fact("folder", el("code", {}, data.folder)));
  const [first, ...others] = data.verdict;
  const verdict = el("div", { class: "verdict" },
    el("h1", {}, data.title),
    first ? el("p", { class: "first" }, first) : null,
    others.length ? el("ul", {}, others.map((sentence) => el("li", {}, sentence))) : null);
  const commands = el("div", { class: "commands" },
    data.commands.map((text, i) => command(text, i ? null : "run")),
    data.report_command ? command(data.report_command, "this report") : null,
    data.tensorboard ? command(data.tensorboard, "curves in TensorBoard") : null);
  document.getElementById("head").append(verdict, el("div", { class: "about" }, facts, commands));
}
