// Names in the place of pseudonyms, for whoever may know them. The page holds pseudonyms alone, on
// elements with data-student; the browser asks the service that knows who is who, with the key that
// it keeps for that one, and each answer is written down there. Without it the page stays as it is.
"use strict";

const NAMES_AT = document.currentScript.dataset.names;
const NAMES_AT_ONCE = 200;

async function ask(students) {
  const asked = new URLSearchParams({ students: students.join(","), page: location.pathname });
  const answer = await fetch(`${NAMES_AT}/names?${asked}`, { credentials: "include" });
  return answer.ok ? (await answer.json()).names : {};
}

async function name() {
  const places = [...document.querySelectorAll("[data-student]")].filter((one) => !one.title);
  const students = [...new Set(places.map((one) => one.dataset.student))].slice(0, NAMES_AT_ONCE);
  if (!students.length) return;
  const names = await ask(students).catch(() => ({}));
  for (const one of places) {
    const found = names[one.dataset.student];
    if (!found) continue;
    one.title = one.dataset.student;
    one.textContent = found;
    one.classList.remove("code");
  }
}

document.addEventListener("DOMContentLoaded", name);
document.addEventListener("htmx:afterSettle", name);
