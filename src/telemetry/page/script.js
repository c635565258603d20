// Takes the page anew every few seconds and puts what changed in place; what was unfolded stays so, and what
// went bad is unfolded.
"use strict";
const every = 5000;
let since = null;

function lost(yes) {
  const bar = document.getElementById("lost");
  if (!yes) {
    since = null;
    bar.hidden = true;
    return;
  }
  since ??= new Date();
  bar.textContent = `No answer from eipd since ${since.toLocaleTimeString()}: what is shown is as old.`;
  bar.hidden = false;
}

function show(fresh) {
  const before = document.getElementById("live");
  const after = fresh.getElementById("live");
  if (!after) throw new Error("not the page of eipd");
  document.title = fresh.title;
  const icon = 'link[rel="icon"]';
  document.querySelector(icon).href = fresh.querySelector(icon).href;
  for (const piece of before.querySelectorAll("details[id]")) {
    const same = after.ownerDocument.getElementById(piece.id);
    const wentBad = same?.classList.contains("bad") && !piece.classList.contains("bad");
    if (same && !wentBad) same.open = piece.open;
  }
  before.replaceWith(document.adoptNode(after));
}

async function renew() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      lost(false);
    } catch {
      lost(true);
    }
  }
  setTimeout(renew, every);
}

setTimeout(renew, every);
