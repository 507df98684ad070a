// What Material leaves out for those who listen to a page: the search dialog has a name, and the copy buttons' frames are
// no landmarks to jump to. And a table or picture that is wider than the screen can be scrolled with the keyboard.

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

const phone = matchMedia("(max-width: 45em)").matches;
const scrolled = phone ? ".md-typeset__scrollwrap, p:has(> img.wide)" : ".md-typeset__scrollwrap";

function mend() {
  for (const frame of document.querySelectorAll("nav.md-code__nav:not([role])")) frame.setAttribute("role", "none");
  for (const wide of document.querySelectorAll(`:is(${scrolled}):not([tabindex])`)) wide.tabIndex = 0;
  setFormulas();
}

// Formulas are put into MathML by KaTeX, which is fetched only where there are some; browsers draw MathML themselves.
let katex;

async function setFormulas() {
  if (!document.querySelector(".arithmatex:not([data-set])")) return;
  await (katex ??= import("./katex.min.js"));
  for (const formula of document.querySelectorAll(".arithmatex:not([data-set])")) {
    const tex = formula.textContent.trim().slice(2, -2); // between \( and \), or \[ and \]
    formula.dataset.set = "";
    self.katex.render(tex, formula, { output: "mathml", displayMode: formula.tagName === "DIV" });
  }
}

new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
