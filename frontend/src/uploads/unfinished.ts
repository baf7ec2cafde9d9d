/** Which unfinished uploads this browser began and nobody goes on with: not here, not in another tab. */
import { signal } from "@preact/signals";
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

/** The server notes every few seconds what arrived: after this long without a note, nothing comes. */
const SILENT_MS = 120_000;

/** Whether nobody sends an upload any more, by when something of it arrived last. */
export const hasStopped = (updatedAt: string, now = Date.now()): boolean => now - Date.parse(updatedAt) > SILENT_MS;
