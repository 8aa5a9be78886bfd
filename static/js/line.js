// The check of one line on its own page. What the page says of itself is only what is to be checked: the signature, the
// line and its place come from the published files of the record, and the sums are done here.
import { CannotTell, Log, Wrong, hex, includes, leafHash, readCheckpoint, readKey, signedText } from "./log.js";
import { check, number, row } from "./steps.js";

const LOG = "/log";

const STEPS = [
  [
    "The record’s signature",
    async (it) => {
      const key = await readKey(it.vkey);
      const signed = await signedText(await Log.checkpoint(LOG), key);
      it.checkpoint = readCheckpoint(signed.text);
      if (it.checkpoint.origin !== key.name) throw new Wrong("The checkpoint is that of another record.");
      it.log = new Log(LOG, it.checkpoint.size);
      if (signed.unchecked) throw new CannotTell("This browser knows no Ed25519. The sums below are done all the same.");
      return `The checkpoint over ${number(it.checkpoint.size)} lines is signed with the key ${key.id}.`;
    },
  ],
  [
    "The line",
    async (it) => {
      if (!it.log) throw new CannotTell("Without a checkpoint there is nothing to look in.");
      if (it.index >= it.checkpoint.size) throw new Wrong("The signed record ends before this line.");
      const entry = await it.log.entry(it.index);
      it.leaf = await leafHash(entry);
      if (hex(it.leaf) !== it.shown) throw new Wrong("The published line at this place is not the one on this page.");
      if (JSON.parse(new TextDecoder().decode(entry)).id !== it.id) throw new Wrong("The published line has another name.");
      return `Line ${number(it.index)} of the published files is the one on this page, byte for byte.`;
    },
  ],
  [
    "Its place under the signature",
    async (it) => {
      if (!it.leaf) throw new CannotTell("Without the line there is nothing to prove.");
      const { size, root } = it.checkpoint;
      if (!(await includes(it.index, size, it.leaf, await it.log.inclusion(it.index), root))) {
        throw new Wrong("The published hashes do not lead from this line to the signed root.");
      }
      return "The published hashes lead from this line to the root that was signed.";
    },
  ],
];

function verdict(found) {
  if (found.some((step) => step.state === "wrong")) return "✗ Something is wrong. Keep this page and tell others.";
  if (found.every((step) => step.state === "right")) return "✓ This line stands in the signed record.";
  return "– Nothing is wrong, but not everything could be checked.";
}

for (const part of document.querySelectorAll("[data-check-entry]")) {
  const [button, steps, says] = ["button", "[data-steps]", "[data-verdict]"].map((name) => part.querySelector(name));
  let busy = false;
  button.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    says.textContent = "Checking…";
    const { checkEntry: id, index, vkey, leaf } = part.dataset;
    try {
      const found = await check(STEPS, { id, index: Number(index), vkey, shown: leaf });
      steps.replaceChildren(...found.map(row));
      says.textContent = verdict(found);
    } catch {
      steps.replaceChildren();
      says.textContent = "The check could not be finished. Are you online?";
    } finally {
      busy = false;
    }
  });
  part.hidden = false;
}
