// What a page shows that checks for itself: each step with its mark and the sentence that says what was found.
import { CannotTell, Wrong } from "./log.js";

const MARKS = { right: ["✓", "Right"], wrong: ["✗", "Wrong"], open: ["–", "Not checked"] };

export const number = (n) => n.toLocaleString("en-GB");

/** Takes the steps in their order, all of them. Each returns its sentence, or throws Wrong or CannotTell. */
export async function check(steps, it) {
  const found = [];
  for (const [name, step] of steps) {
    try {
      found.push({ name, state: "right", words: await step(it) });
    } catch (error) {
      if (!(error instanceof Wrong || error instanceof CannotTell)) throw error;
      found.push({ name, state: error instanceof Wrong ? "wrong" : "open", words: error.message });
    }
  }
  return found;
}

function shown(tag, name, text) {
  const element = document.createElement(tag);
  [element.className, element.textContent] = [name, text];
  return element;
}

export function row({ name, state, words }) {
  const [mark, said] = MARKS[state];
  const item = shown("li", `check__step check__step--${state}`, "");
  const sign = shown("span", "check__mark", mark);
  sign.setAttribute("aria-hidden", "true");
  item.append(sign, shown("span", "check__name", name), shown("span", "govuk-visually-hidden", `${said}: `), words);
  return item;
}
