// The page: its sections in the order in which one reads them.

header();
const sections = [rankingSection(), curvesSection(), picturesSection(), parametersSection(), failuresSection(), runsSection()]
  .filter(Boolean);
document.getElementById("main").append(...sections);
bar(sections);
onChange((changed) => {
  if (changed.has("focus")) markFocus();
});
markFocus();
