// Names in the place of pseudonyms, for whoever may know them. The page holds pseudonyms alone, on
// elements with data-student; the browser asks the service that knows who is who, with the key that
// it keeps for that one, and each answer is written down there: so nobody is asked for twice while the
// page lives. Without it the page stays as it is.
"use strict";

const NAMES_AT = document.currentScript.dataset.names;
const NAMES_AT_ONCE = 200;
const NAMES_KNOWN = new Map(); // by pseudonym; to "" for whom this browser may not know

async function ask(students) {
  const asked = new URLSearchParams({ students: students.join(","), page: location.pathname });
  const answer = await fetch(`${NAMES_AT}/names?${asked}`, { credentials: "include" });
  return answer.ok ? (await answer.json()).names : {};
}

function unnamed() {
  return [...document.querySelectorAll("[data-student]")].filter((one) => !one.title);
}

async function name() {
  const met = new Set(unnamed().map((one) => one.dataset.student));
  const students = [...met].filter((one) => !NAMES_KNOWN.has(one));
  for (const one of students) NAMES_KNOWN.set(one, "");
  for (let start = 0; start < students.length; start += NAMES_AT_ONCE) {
    const part = students.slice(start, start + NAMES_AT_ONCE);
    const names = await ask(part).catch(() => ({}));
    for (const one of part) NAMES_KNOWN.set(one, names[one] || "");
  }
  for (const one of unnamed()) {
    const found = NAMES_KNOWN.get(one.dataset.student);
    if (!found) continue;
    one.title = one.dataset.student;
    one.textContent = found;
    one.classList.remove("code");
  }
}

document.addEventListener("DOMContentLoaded", name);
document.addEventListener("htmx:afterSettle", name);
