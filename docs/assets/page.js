// What Material leaves out for those who listen to a page: the search dialog has a name, and the copy buttons' frames are
// no landmarks to jump to. And a table that is wider than the screen can be scrolled with the keyboard.

document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

function mend() {
  for (const frame of document.querySelectorAll("nav.md-code__nav:not([role])")) frame.setAttribute("role", "none");
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) table.tabIndex = 0;
}

new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
mend();
