// For pages that are used with a scanner: a tone for what became of a scan, and the field ready for
// the next one. The pages work without it.
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
  document.querySelector("[data-next]")?.focus();
}

document.addEventListener("DOMContentLoaded", ready);
document.addEventListener("htmx:afterSettle", ready);
