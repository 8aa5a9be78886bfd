// Everything works without this file. It starts govuk-frontend's own comforts: character counts, conditional answers,
// focus on the error summary, one click counted once.
import { initAll } from "../vendor/govuk-frontend.js?v=6.3.0";

initAll();

// A phone's menu folds away again when the reader looks elsewhere.
const menu = document.querySelector(".site-nav--phone");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
