// The public record as anybody can read it: signed notes (c2sp.org/signed-note), tiles (c2sp.org/tlog-tiles), and the
// proofs of RFC 9162. Nothing here asks the server whether something is right; it fetches files and does the sums.

const HASH = 32;
const WIDTH = 256;
const ED25519 = 1;
const encoder = new TextEncoder();

/** What was checked and found false. The message is the sentence people read. */
export class Wrong extends Error {}

/** What this browser cannot check. */
export class CannotTell extends Error {}

export const utf8 = (text) => encoder.encode(text);
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Canonical base64 alone, so that one value has one spelling. */
export function fromBase64(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new Wrong("Something that should be base64 is not.");
  }
  if (btoa(raw) !== text) throw new Wrong("Something that should be base64 is not.");
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

export async function sha256(...parts) {
  if (!globalThis.crypto?.subtle) {
    throw new CannotTell("This browser does no cryptography on this page. Use verify.py instead.");
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
}

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** A public key as tools write it: name+id+key. */
export async function readKey(text) {
  const [, name, id, encoded] = text.trim().match(/^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/) ?? [];
  const raw = encoded ? fromBase64(encoded) : [];
  if (raw.length !== HASH + 1 || raw[0] !== ED25519) throw new Wrong("This is no key of the kind that signs a record.");
  const digest = await sha256(utf8(`${name}\n`), raw);
  if (hex(digest.slice(0, 4)) !== id) throw new Wrong("The key and its name do not belong together.");
  return { name, id, raw: raw.slice(1), text: text.trim() };
}

export function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) throw new Wrong("What should be signed is not a text with signatures below it.");
  const lines = note.slice(cut + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const [, name, encoded] = line.match(/^— ([^\s+]+) (\S+)$/) ?? [];
    if (!name) throw new Wrong("A line below the text is no signature.");
    const raw = fromBase64(encoded);
    return { name, id: hex(raw.slice(0, 4)), bytes: raw.slice(4) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

/** The note's text, once the key's own signature on it was found true. */
export async function signedText(note, key) {
  const { text, signatures } = readNote(note);
  const own = signatures.find((signature) => signature.name === key.name && signature.id === key.id);
  if (!own) throw new Wrong(`It is not signed with the key ${key.name}+${key.id}.`);
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.raw, "Ed25519", false, ["verify"]);
  } catch {
    return { text, unchecked: true };
  }
  if (!(await crypto.subtle.verify("Ed25519", imported, own.bytes, utf8(text)))) {
    throw new Wrong(`The signature of ${key.name} is false.`);
  }
  return { text, unchecked: false };
}

export function readCheckpoint(text) {
  const [origin, size, root] = text.split("\n");
  if (!/^(0|[1-9][0-9]{0,14})$/.test(size ?? "") || !root) throw new Wrong("This is no checkpoint of a record.");
  return { origin, size: Number(size), root: fromBase64(root) };
}

/** RFC 9162, section 2.1.3.2. */
export async function includes(index, size, leaf, proof, root) {
  if (!(index < size)) return false;
  let [step, last, found] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (step % 2 || step === last) {
      found = await nodeHash(sibling, found);
      while (step % 2 === 0 && step) [step, last] = [step / 2, Math.floor(last / 2)];
    } else {
      found = await nodeHash(found, sibling);
    }
    [step, last] = [Math.floor(step / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(found, root);
}

/** RFC 9162, section 2.1.4.2. */
export async function continues(size1, size2, root1, root2, proof) {
  if (!(size1 > 0 && size1 <= size2)) return false;
  if (size1 === size2) return proof.length === 0 && same(root1, root2);
  const path = Number.isInteger(Math.log2(size1)) ? [root1, ...proof] : [...proof];
  if (!path.length) return false;
  let [step, last] = [size1 - 1, size2 - 1];
  while (step % 2) [step, last] = [Math.floor(step / 2), Math.floor(last / 2)];
  let [before, after] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (step % 2 || step === last) {
      before = await nodeHash(sibling, before);
      after = await nodeHash(sibling, after);
      while (step % 2 === 0 && step) [step, last] = [step / 2, Math.floor(last / 2)];
    } else {
      after = await nodeHash(after, sibling);
    }
    [step, last] = [Math.floor(step / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(before, root1) && same(after, root2);
}

function powerBelow(n) {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function inclusionSpans(index, size) {
  const spans = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + powerBelow(end - start);
    spans.push(index < middle ? [middle, end] : [start, middle]);
    [start, end] = index < middle ? [start, middle] : [middle, end];
  }
  return spans.reverse();
}

function consistencySpans(old, size) {
  if (old === size) return [];
  const spans = [];
  let [start, end] = [0, size];
  while (old !== end) {
    const middle = start + powerBelow(end - start);
    spans.push(old <= middle ? [middle, end] : [start, middle]);
    [start, end] = old <= middle ? [start, middle] : [middle, end];
  }
  if (start) spans.push([start, end]);
  return spans.reverse();
}

async function rootOfPairs(hashes) {
  while (hashes.length > 1) {
    const pairs = [];
    for (let at = 0; at < hashes.length; at += 2) pairs.push(await nodeHash(hashes[at], hashes[at + 1]));
    hashes = pairs;
  }
  return hashes[0];
}

/** The files of a log below an address, at the size of one of its checkpoints. Each is fetched once, past any cache. */
export class Log {
  constructor(address, size) {
    [this.address, this.size, this.files] = [address, size, new Map()];
  }

  static async checkpoint(address) {
    return new TextDecoder().decode(await fetched(`${address}/checkpoint`));
  }

  async entry(index) {
    const n = Math.floor(index / WIDTH);
    const bundle = await this.file(`${this.address}/${this.path("entries", n, 0)}`);
    for (let at = 0, place = n * WIDTH; at + 2 <= bundle.length; place += 1) {
      const end = at + 2 + bundle[at] * 256 + bundle[at + 1];
      if (place === index && end <= bundle.length) return bundle.slice(at + 2, end);
      at = end;
    }
    throw new Wrong(`The published file ends before line ${index.toLocaleString("en-GB")}.`);
  }

  async inclusion(index) {
    return Promise.all(inclusionSpans(index, this.size).map((span) => this.spanRoot(span)));
  }

  async consistency(old) {
    return Promise.all(consistencySpans(old, this.size).map((span) => this.spanRoot(span)));
  }

  async spanRoot([start, end]) {
    const peaks = [];
    while (start < end) {
      let height = 0;
      while (2 ** (height + 1) <= end - start) height += 1;
      peaks.push(await this.node(height, start / 2 ** height));
      start += 2 ** height;
    }
    let root = peaks.pop();
    while (peaks.length) root = await nodeHash(peaks.pop(), root);
    return root;
  }

  async node(height, index) {
    const level = Math.floor(height / 8);
    const count = 2 ** (height % 8);
    const first = index * count;
    const n = Math.floor(first / WIDTH);
    const tile = await this.file(`${this.address}/${this.path(level, n, level)}`);
    const at = (first % WIDTH) * HASH;
    if (tile.length < at + count * HASH) throw new Wrong(`The published file ${this.path(level, n, level)} is cut short.`);
    const hashes = Array.from({ length: count }, (_, i) => tile.slice(at + i * HASH, at + (i + 1) * HASH));
    return rootOfPairs(hashes);
  }

  path(name, n, level) {
    const width = Math.min(WIDTH, Math.floor(this.size / WIDTH ** level) - n * WIDTH);
    const groups = [String(n % 1000).padStart(3, "0")];
    for (let rest = Math.floor(n / 1000); rest; rest = Math.floor(rest / 1000)) {
      groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
    }
    return `tile/${name}/${groups.join("/")}${width < WIDTH ? `.p/${width}` : ""}`;
  }

  file(address) {
    if (!this.files.has(address)) this.files.set(address, fetched(address));
    return this.files.get(address);
  }
}

async function fetched(address) {
  let answer;
  try {
    answer = await fetch(address, { cache: "no-store", credentials: "omit" });
  } catch {
    throw new CannotTell(`The file ${address} could not be fetched. Are you online?`);
  }
  if (!answer.ok) throw new Wrong(`The file ${address} of the public record is not there.`);
  return new Uint8Array(await answer.arrayBuffer());
}
