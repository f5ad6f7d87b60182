// For pages that are used with a scanner: a tone for what became of a scan, and the field ready for
// the next one. Where a form says by data-scans which part of the page its answers go into, scans
// are sent one after the other while the next is typed, and again until they are answered. The pages
// work without it.
"use strict";

const TONES = { good: [880], again: [440, 440], bad: [220, 160] };

function sound(kind) {
  const context = new AudioContext();
  (TONES[kind] || []).forEach((hertz, number) => {
    const tone = context.createOscillator();
    tone.frequency.value = hertz;
    tone.connect(context.destination);
    tone.start(context.currentTime + number * 0.15);
    tone.stop(context.currentTime + number * 0.15 + 0.12);
  });
  setTimeout(() => context.close(), 1000);
}

function ready() {
  const told = document.querySelector("[data-tone]");
  if (told && navigator.userActivation?.hasBeenActive) sound(told.dataset.tone);
  // Whoever is in a field already stays there.
  if (document.activeElement === document.body) document.querySelector("[data-next]")?.focus();
}

const scans = [];
const AGAIN_MS = 2000;

// An id of its own for each scan, so that it counts once however often it is sent.
function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(form, body) {
  const answer = await fetch(form.action, { method: "POST", body });
  if (answer.status >= 500 || answer.status === 429) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.querySelector(form.dataset.scans);
  if (!part) return location.assign(answer.url);
  document.querySelector(form.dataset.scans).replaceWith(part);
  htmx.process(part);
  ready();
}

async function sendAll(form) {
  while (scans.length) {
    try {
      await send(form, scans[0]);
      scans.shift();
    } catch {
      const told = document.querySelector("#told");
      if (told) [told.textContent, told.className] = [form.dataset.away, "told late"];
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    }
  }
}

function scanned(event) {
  const form = event.target.closest("form[data-scans]");
  if (!form) return;
  event.preventDefault();
  scans.push(new URLSearchParams(new FormData(form)));
  form.elements.code.value = "";
  form.elements.scan.value = fresh();
  if (scans.length === 1) sendAll(form);
}

// A tick changes where it stands and is told; who scans stays in the field for the next scan.
function ticked(box) {
  box.checked = !box.checked;
  const told = document.querySelector("#told");
  const said = box.checked ? box.dataset.ticked : box.dataset.unticked;
  [told.textContent, told.className] = [said, "told"];
}

// A key that stands on an act does it; on a field, it leads there.
function pressed(event) {
  const act = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (act.type === "checkbox") return ticked(act);
  act.focus();
  if (act.tagName === "BUTTON") act.click();
}

document.addEventListener("keydown", pressed);
document.addEventListener("submit", scanned);
document.addEventListener("DOMContentLoaded", ready);
document.addEventListener("htmx:afterSettle", ready);
