/**
 * Hashes files one after the other, away from the page: a part at a time, so that memory is flat.
 * The browser's own SHA-256 wants all the bytes at once.
 */
import { sha256 as Sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export type Asked = { id: number; file: File } | { id: number; file: null };
/** `sha256` is null for a file that could not be read. */
export interface Told {
  id: number;
  sha256: string | null;
}

const PART_BYTES = 4 << 20;

const queue = new Map<number, File>();
let working = false;

async function hash(id: number, file: File): Promise<string | null> {
  const found = Sha256.create();
  for (let at = 0; at < file.size; at += PART_BYTES) {
    // Whoever asked may not want to know any more.
    if (!queue.has(id)) return null;
    found.update(new Uint8Array(await file.slice(at, at + PART_BYTES).arrayBuffer()));
  }
  return bytesToHex(found.digest());
}

async function work(): Promise<void> {
  if (working) return;
  working = true;
  for (;;) {
    const next = queue.entries().next();
    if (next.done) break;
    const [id, file] = next.value;
    // A file that was moved or changed since it was chosen cannot be read.
    const sha256 = await hash(id, file).catch(() => null);
    if (queue.delete(id)) postMessage({ id, sha256 } satisfies Told);
  }
  working = false;
}

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  if (data.file === null) queue.delete(data.id);
  else queue.set(data.id, data.file);
  void work();
});
