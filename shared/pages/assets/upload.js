// Sends a file from a page to the call that takes it, as it is, with the key that the browser keeps.
// The form says by data-upload where to; its other fields go into the address. Then the page of its
// job follows, and what is refused is told beside the form.
"use strict";

const ZIP = "application/zip";

function address(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value) asked.set(name, value);
  return asked.size ? `${form.dataset.upload}?${asked}` : form.dataset.upload;
}

function told(form, ...parts) {
  form.querySelector("[data-told]").replaceChildren(...parts);
  form.querySelector("[data-trouble]").hidden = !parts.length;
  form.querySelector("progress").hidden = true;
  form.querySelector("button").disabled = false;
}

function english(text) {
  return Object.assign(document.createElement("span"), { lang: "en", textContent: text });
}

// Why a call refused: what the page says of its code, with the detail where that tells more; where
// the page says nothing of it, the detail, as because_of of the templates does.
function why(form, request) {
  let code, detail;
  try {
    ({ code, detail } = JSON.parse(request.responseText));
  } catch {
    return [english(`${request.status} ${request.statusText}`)];
  }
  const said = JSON.parse(form.dataset.because)[code];
  if (!said) return [english(detail)];
  const [before, after] = said.split("{detail}");
  if (after === undefined) return [before];
  return [before, Object.assign(english(`(${detail})`), { className: "soft break" }), after];
}

function upload(event) {
  const form = event.target.closest("form[data-upload]");
  if (!form) return;
  event.preventDefault();
  const [file] = form.querySelector("input[type=file]").files;
  const progress = form.querySelector("progress");
  told(form);
  progress.hidden = false;
  form.querySelector("button").disabled = true;
  const request = new XMLHttpRequest(); // fetch does not tell how far a file is
  request.open("POST", address(form));
  request.setRequestHeader("content-type", file.name.toLowerCase().endsWith(".zip") ? ZIP : "text/csv");
  request.upload.onprogress = (sent) => Object.assign(progress, { max: sent.total || 1, value: sent.loaded });
  request.onerror = () => told(form, form.dataset.away);
  request.onload = () => {
    if (request.status !== 202) return told(form, ...why(form, request));
    const job = request.getResponseHeader("location").replace(/^\/api/, "");
    location.assign(job + location.search.replace(/^(?!\?lang=en).*/, ""));
  };
  request.send(file);
}

for (const one of document.querySelectorAll("[data-unscripted]")) one.hidden = true;
document.addEventListener("submit", upload);
