/** Which unfinished uploads this browser began and nobody goes on with: not here, not in another tab. */
import { signal } from "@preact/signals";
import type { Upload } from "../types.ts";
import { livePaths } from "./queue.ts";
import { allUnfinished, pathOf, type Unfinished } from "./transfer.ts";

const ASK_MS = 3000;
/** After this long without a word, the other tab is gone. */
const HEARD_MS = 8000;

const begun = signal<ReadonlyMap<string, Unfinished>>(new Map());
/** Those that another tab is sending. */
const elsewhere = signal<ReadonlySet<string>>(new Set());
const heardAt = new Map<string, number>();

async function read(): Promise<void> {
  begun.value = new Map((await allUnfinished()).map((one) => [one.path, one]));
}

function tellApart(): void {
  const now = performance.now();
  const held = [...heardAt].filter(([, at]) => now - at < HEARD_MS).map(([path]) => path);
  if (held.length !== elsewhere.peek().size || held.some((path) => !elsewhere.peek().has(path))) elsewhere.value = new Set(held);
}

/** Look what was begun, and follow what other tabs do with it. */
export async function watchUnfinished(): Promise<void> {
  const tabs = new BroadcastChannel("sarau.uploads");
  tabs.addEventListener("message", ({ data }: MessageEvent<"who" | string[]>) => {
    if (data === "who") {
      const own = livePaths();
      if (own.length > 0) tabs.postMessage(own);
      return;
    }
    for (const path of data) heardAt.set(path, performance.now());
    tellApart();
  });
  const ask = (): void => {
    tellApart();
    const own = livePaths();
    if ([...begun.peek().keys()].some((path) => !own.includes(path))) tabs.postMessage("who");
  };
  addEventListener("storage", () => void read().then(ask));
  setInterval(ask, ASK_MS);
  await read();
  ask();
}

/** What this browser knows of an upload that can be gone on with here. */
export function unfinishedHere(url: string): Unfinished | undefined {
  const path = pathOf(url);
  return elsewhere.value.has(path) ? undefined : begun.value.get(path);
}

/**
 * After this long without a note of what arrived, nothing comes. The server notes what arrives every few
 * seconds, but nothing of a request with a checksum before its end.
 */
const SILENT_S = 15 * 60;

/** Whether nobody sends an upload any more. */
export const hasStopped = (upload: Pick<Upload, "idle_s">): boolean => upload.idle_s !== null && upload.idle_s > SILENT_S;
