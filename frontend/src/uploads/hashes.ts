/**
 * What a file's bytes come to, so that the server can say that it has them already.
 *
 * Files are hashed in their order while they wait their turn. One whose turn has come is
 * waited for only if that is a matter of a second or two.
 */
import type { Asked, Told } from "./hash.worker.ts";

/** A smaller file is sent together with its creation: asking first would cost as much. */
const FROM_BYTES = 1 << 20;
/** A larger file is not waited for. */
const WAIT_BYTES = 256 << 20;

export interface Hash {
  /** The SHA-256 in hexadecimal, null when it is not known and would take too long. */
  get: () => Promise<string | null>;
  /** Nobody will ask any more. */
  drop: () => void;
}

export const NO_HASH: Hash = { get: () => Promise.resolve(null), drop: () => undefined };

let worker: Worker | null = null;
let broken = false;
let nextId = 0;
const waiting = new Map<number, (sha256: string | null) => void>();

function settle(id: number, sha256: string | null): void {
  waiting.get(id)?.(sha256);
  waiting.delete(id);
}

function giveUp(): void {
  broken = true;
  for (const id of [...waiting.keys()]) settle(id, null);
}

function start(): Worker {
  const made = new Worker(new URL("hash.js", import.meta.url), { type: "module" });
  made.addEventListener("message", ({ data }: MessageEvent<Told>) => settle(data.id, data.sha256));
  // Files are sent without their hash where the worker does not run.
  made.addEventListener("error", giveUp);
  return made;
}

/** Begin to hash a file, after those that came before. */
export function hashOf(file: File): Hash {
  if (file.size <= FROM_BYTES || broken) return NO_HASH;
  worker ??= start();
  const ours = worker;
  const id = ++nextId;
  const ask = (message: Asked): void => ours.postMessage(message);
  let known: string | null = null;
  const found = new Promise<string | null>((resolve) => waiting.set(id, resolve)).then((sha256) => (known = sha256));
  ask({ id, file });
  const drop = (): void => {
    if (!waiting.has(id)) return;
    ask({ id, file: null });
    settle(id, null);
  };
  return {
    drop,
    get: () => {
      if (file.size <= WAIT_BYTES) return found;
      if (known === null) drop();
      return Promise.resolve(known);
    },
  };
}
