// The receipt's own check. It believes neither the page it stands on nor our server: everything it says comes from the
// receipt file, the published files of the record, and sums done here. Without it the page offers verify.py.
import {
  CannotTell, Log, Wrong, continues, fromBase64, fromHex, hex, includes, leafHash, readCheckpoint, readKey, readNote,
  same, sha256, signedText, utf8,
} from "./log.js";
import { check, number, row } from "./steps.js";

const FORMAT = "regulation-review.receipt/v1";
const PROMISE =
  /^regulation-review\.promise\/v1\n([^\n]+)\nentry ([0-9a-f]{32})\nleaf (\S{44})\nby ([1-9][0-9]{0,15})\n$/;
const LOG = "/log";

const moment = (seconds) =>
  new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "Europe/London" });

async function readReceipt(given) {
  let file;
  try {
    file = JSON.parse(given);
  } catch {
    throw new Wrong("This is no receipt file: it cannot be read.");
  }
  if (file.format !== FORMAT || typeof file.entry !== "string") throw new Wrong("This is no receipt file of this kind.");
  let said;
  try {
    said = JSON.parse(file.entry);
  } catch {
    throw new Wrong("The line in the receipt file cannot be read.");
  }
  return { ...file, said, bytes: utf8(file.entry), leaf: await leafHash(utf8(file.entry)) };
}

const STEPS = [
  [
    "Your receipt file",
    async (it) => {
      it.file = await readReceipt(it.given);
      const line = `It holds a line of ${number(it.file.bytes.length)} bytes for the record ${it.file.origin}.`;
      return it.kept ? `${line} This is the file you chose.` : `${line} This page handed it out just now.`;
    },
  ],
  ["What your line says", (it) => whatItSays(receipt(it))],
  [
    "Our promise",
    async (it) => {
      const file = receipt(it);
      if (!file.promise) throw new CannotTell("This receipt is older than promises.");
      const signed = await signedText(file.promise, await readKey(file.promise_vkey));
      const [, origin, entry, leaf, by] = signed.text.match(PROMISE) ?? [];
      if (origin !== file.origin || entry !== file.said.id) throw new Wrong("The promise is that of another line.");
      if (!same(fromBase64(leaf), file.leaf)) throw new Wrong("The line in your file is not the one that was promised.");
      it.by = Number(by);
      return ifSigned(signed, `Signed: exactly this line is to be in the record by ${moment(it.by)}.`);
    },
  ],
  [
    "The record’s signature",
    async (it) => {
      const file = receipt(it);
      it.key = await readKey(it.pasted || file.log_vkey);
      const note = await Log.checkpoint(LOG);
      const signed = await signedText(note, it.key);
      const head = readCheckpoint(signed.text);
      if (head.origin !== file.origin) throw new Wrong("What is signed is another record than your receipt’s.");
      [it.head, it.log] = [head, new Log(LOG, head.size)];
      const ours = it.kept ? "in your file" : "this page gave: add one you kept to rely on us less";
      const newest = `The newest checkpoint, over ${number(head.size)} lines, is signed`;
      return ifSigned(signed, `${newest} with the key ${it.pasted ? "you gave" : ours}.`);
    },
  ],
  [
    "Your line, as published",
    async (it) => {
      const [file, log] = [receipt(it), published(it)];
      it.index = place(it);
      if (!(it.index < log.size)) return open(`Line ${number(it.index)} is not signed yet. Check again in a minute.`);
      if (!same(await log.entry(it.index), file.bytes)) {
        throw new Wrong(`Line ${number(it.index)} of the published record is not the line in your file.`);
      }
      return `Line ${number(it.index)} of the published record is, byte for byte, the line in your file.`;
    },
  ],
  [
    "Its place under the signature",
    async (it) => {
      const [file, log] = [receipt(it), published(it)];
      if (!(it.index < log.size)) throw new CannotTell("There is no place to prove yet.");
      if (!same(await log.node(0, it.index), file.leaf)) throw new Wrong("The published hash at its place is another’s.");
      const proof = await log.inclusion(it.index);
      if (!(await includes(it.index, log.size, file.leaf, proof, it.head.root))) {
        throw new Wrong("The published hashes do not lead from your line to what was signed.");
      }
      return `${number(proof.length)} published hashes lead from your line to exactly what was signed.`;
    },
  ],
  ["What was signed before", (it) => stillBegins(it)],
  ["Whose line it is", (it) => whoseLine(it)],
];

const receipt = (it) => it.file ?? open("The receipt file could not be read.");
const published = (it) => it.log ?? open("Without a true signature there is nothing to hold it against.");

function open(why) {
  throw new CannotTell(why);
}

const UNSIGNED =
  "This browser cannot check Ed25519 signatures. The hashes are checked all the same; for the rest use verify.py.";
const ifSigned = ({ unchecked }, sentence) => (unchecked ? open(UNSIGNED) : sentence);

/** From the file, or as the page has it: where the line is looked for needs no believing, as it must be found there. */
function place(it) {
  if (Number.isInteger(it.file.index)) return it.file.index;
  if (it.page.entry === it.file.said.id && it.page.index) return Number(it.page.index);
  if (it.by * 1000 < Date.now()) throw new Wrong(`It was promised its place by ${moment(it.by)}, and has none.`);
  return open("It had no place yet when this page was opened. Open it again in a minute.");
}

async function whatItSays(file) {
  const choose = (choice, direction) => `You would ${choice} it${direction ? ` (${direction})` : ""}, on ${file.said.item}.`;
  if (file.said.withdrawn) return `A vote is withdrawn, on ${file.said.item}.`;
  if (file.said.choice) return choose(file.said.choice, file.said.direction);
  const seal = file.opening;
  if (!seal) throw new CannotTell("Your choice is sealed in it, and what opens the seal is not in your file.");
  const tag = utf8(`regulation-review/v1/${seal.kind}\0`);
  const commit = hex(await sha256(tag, fromHex(seal.salt), utf8(seal.text)));
  if (commit !== file.said[seal.field]) throw new Wrong("What your file gives as your choice does not open the seal.");
  return `${choose(...seal.text.split(":"))} It is sealed until the close, and your file opens the seal.`;
}

/** Checkpoints from before: the one in the file, and one the reader saved. Both must be the start of the newest. */
async function stillBegins(it) {
  const [file, log] = [receipt(it), published(it)];
  const sentences = [];
  const own = file.checkpoint && [file.checkpoint, "in your file", await readKey(file.log_vkey)];
  for (const [note, words, key] of [own, it.saved && [it.saved, "you saved", it.key]].filter(Boolean)) {
    const signed = await signedText(note, key);
    const before = readCheckpoint(signed.text);
    if (before.origin !== file.origin) throw new Wrong(`The checkpoint ${words} is that of another record.`);
    if (before.size > log.size) throw new Wrong(`The checkpoint ${words} has more lines than the record has now.`);
    if (!(await continues(before.size, log.size, before.root, it.head.root, await log.consistency(before.size)))) {
      throw new Wrong(`The record does not begin with what was signed in the checkpoint ${words}. It was rewritten.`);
    }
    ifSigned(signed);
    sentences.push(`The ${number(before.size)} lines of the checkpoint ${words} are, unchanged, how the record begins.`);
  }
  if (own && !(await proofHolds(file))) throw new Wrong("The proof in your file does not lead to the checkpoint in it.");
  return sentences.join(" ") || open("Your file holds no checkpoint yet, and you added none.");
}

function proofHolds(file) {
  const { size, root } = readCheckpoint(readNote(file.checkpoint).text);
  return includes(file.index, size, file.leaf, file.proof.map(fromBase64), root);
}

async function whoseLine(it) {
  const who = receipt(it).pseudonym;
  if (!who) return open("What showed whose line this is has been deleted.");
  if (!it.identity) return open("Not asked: add what is asked for above to see that the line is yours.");
  const identity = Object.entries({ [who.of]: normal(who.of, it.identity), item: who.item }).sort();
  const tag = utf8(`regulation-review/v1/${who.kind}\0`);
  const code = hex(await sha256(tag, fromHex(who.salt), utf8(JSON.stringify(Object.fromEntries(identity)))));
  if (code !== it.file.said.voter) {
    throw new Wrong("With what you typed, the line’s code does not come out. Is it what you gave then?");
  }
  return "What you typed and the number in your file make the line’s code: it is yours.";
}

const LEFT_OUT = ["the", "ltd", "limited", "plc", "llp"];

/** As accounts/rules.py spells an address, or an organisation's name. */
function normal(of, typed) {
  const text = typed.trim().normalize("NFC").toLowerCase().replaceAll("ß", "ss");
  if (of === "email") return text;
  const plain = text.normalize("NFKD").replace(/([a-z])\p{M}+/gu, "$1").normalize("NFC");
  return plain.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word && !LEFT_OUT.includes(word)).join(" ");
}

async function handedOut(it) {
  const answer = await fetch(it.page.receipt, { cache: "no-store" });
  if (!answer.ok) throw new Wrong("This page handed out no receipt file.");
  return answer.text();
}

function verdict(found) {
  const [wrong, right] = ["wrong", "right"].map((state) => found.filter((step) => step.state === state));
  const named = wrong.map((step) => step.name).join("; ");
  if (wrong.length) return [`✗ Something is wrong: ${named}. Keep your receipt file.`, true];
  const held = new Set(right.map((step) => step.name));
  const all = held.has("The record’s signature") && held.has("Its place under the signature");
  const begins = all ? "✓ Your line stands in the public record." : "– Nothing is wrong, but not everything could be checked.";
  return [`${begins} ${right.length} of ${found.length} checks were made, and hold.`, false];
}

for (const part of document.querySelectorAll("[data-check]")) {
  const [form, steps, says] = ["form", "[data-steps]", "[data-verdict]"].map((name) => part.querySelector(name));
  const typed = (name) => form.elements[name]?.value.trim() ?? "";
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    says.textContent = "Checking…";
    says.classList.remove("check__verdict--wrong");
    const [kept] = form.elements["check-file"].files;
    const it = { page: part.dataset, kept: Boolean(kept), pasted: typed("check-key") };
    it.saved = typed("check-saved") && `${typed("check-saved")}\n`;
    it.identity = typed("check-identity");
    try {
      it.given = await (kept ? kept.text() : handedOut(it));
      const found = await check(STEPS, it);
      const [words, wrong] = verdict(found);
      steps.replaceChildren(...found.map(row));
      says.classList.toggle("check__verdict--wrong", wrong);
      says.textContent = words;
    } catch {
      steps.replaceChildren();
      says.textContent = "The check could not be finished. Are you online? verify.py needs no network.";
    } finally {
      busy = false;
    }
  });
  part.hidden = false;
}
