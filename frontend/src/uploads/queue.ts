/**
 * Everything that this page is sending: three at a time, in the order it was dropped,
 * going on by itself after a lost connection.
 */
import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { bytes } from "../format.ts";
import { plural, t } from "../i18n.ts";
import { locked } from "../session.ts";
import { gather, toast } from "../toasts.ts";
import { markReceived, touch } from "../tracks.ts";
import type { Picked } from "./files.ts";
import { hashOf, NO_HASH, type Hash } from "./hashes.ts";
import { Rate } from "./rate.ts";
import { fingerprintOf, Transfer } from "./transfer.ts";

export type ItemStatus = "queued" | "checking" | "comparing" | "sending" | "waiting" | "paused" | "failed" | "done" | "gone";

export interface Item {
  key: number;
  name: string;
  size: number;
  fingerprint: string;
  status: Signal<ItemStatus>;
  sent: Signal<number>;
  error: Signal<string | null>;
  trackId: Signal<string | null>;
  path: string | null;
  rate: Rate;
  transfer: Transfer;
  /** The server had its bytes already. */
  known: boolean;
  /** Whether sending it again can help. */
  retryable: boolean;
}

const AT_ONCE = 3;
const WAIT_RETRY_MS = 10_000;
/** Those that have one of the places on the line. */
const RUNNING: readonly ItemStatus[] = ["checking", "comparing", "sending"];
const ACTIVE: readonly ItemStatus[] = ["queued", ...RUNNING, "waiting"];
const LIVE: readonly ItemStatus[] = [...ACTIVE, "paused"];

export const items = signal<Item[]>([]);
export const online = signal(navigator.onLine);
const byTrack = new Map<string, Signal<Item | null>>();
let nextKey = 0;

/** The upload of a track, while this page has one. */
export function uploadOf(trackId: string): Signal<Item | null> {
  let found = byTrack.get(trackId);
  if (!found) byTrack.set(trackId, (found = signal<Item | null>(null)));
  return found;
}

/** Where those are that this page is sending or has paused. */
export const livePaths = (): string[] =>
  items.peek().flatMap(({ path, status }) => (path !== null && LIVE.includes(status.peek()) ? [path] : []));

/** Whether leaving the page would stop something. */
export const busy = computed(() => items.value.some((item) => ACTIVE.includes(item.status.value)));

function leave(item: Item, status: "done" | "gone"): void {
  item.status.value = status;
  const track = item.trackId.peek();
  if (track) {
    uploadOf(track).value = null;
    byTrack.delete(track);
    if (status === "done") markReceived(track);
    else touch(track);
  }
  if (status === "gone") items.value = items.peek().filter((other) => other !== item);
  if (!items.peek().some((other) => other.status.peek() !== "done")) {
    const known = items.peek().filter((other) => other.known).length;
    const arrived = items.peek().length - known;
    items.value = [];
    if (arrived > 0) toast(plural("toast.sent", arrived), "good");
    if (known > 0) toast(plural("toast.known", known), "good");
  }
}

/** Whether there is anybody to send to. */
const canSend = (): boolean => online.peek() && !locked.peek();

function pump(): void {
  if (!canSend()) return;
  const all = items.peek();
  let running = all.filter((item) => RUNNING.includes(item.status.peek())).length;
  for (const item of all) {
    if (running >= AT_ONCE) return;
    if (item.status.peek() !== "queued") continue;
    item.status.value = "checking";
    item.rate.forget();
    void item.transfer.start();
    running += 1;
  }
}

/** Nobody answered, or a proxy did for a server that restarts, or it wants its token, or fewer requests. */
const canWait = (status: number): boolean => [0, 401, 408, 429].includes(status) || (status >= 500 && status !== 507);

/** The rows of what failed may be out of sight. */
const tellFailed = gather<{ name: string; why: string }>((all) => {
  toast(all.length === 1 ? t("toast.notSent", all[0]!) : plural("toast.notSentMany", all.length), "bad");
});

function onError(item: Item, error: { status: number; code: string; message: string | null }): void {
  const status = item.status.peek();
  if (!LIVE.includes(status)) return;
  if (!canWait(error.status)) {
    const why = error.message ?? t("uploads.refused", { code: error.code });
    item.retryable = true;
    item.error.value = why;
    item.status.value = "failed";
    tellFailed({ name: item.name, why });
  } else if (status !== "paused") {
    item.status.value = "waiting";
    setTimeout(requeueWaiting, WAIT_RETRY_MS);
  }
  pump();
}

function requeueWaiting(): void {
  if (!canSend()) return;
  for (const item of items.peek()) if (item.status.peek() === "waiting") item.status.value = "queued";
  pump();
}

function makeItem({ file, relativePath, path = null }: Picked, fingerprint: string, preset: string, chunk_bytes: number, hash: Hash): Item {
  const item: Item = {
    key: ++nextKey,
    name: file.name,
    size: file.size,
    fingerprint,
    status: signal<ItemStatus>("queued"),
    sent: signal(0),
    error: signal(null),
    trackId: signal(null),
    path,
    rate: new Rate(),
    known: false,
    retryable: false,
    transfer: new Transfer(
      { file, relativePath, preset, chunk_bytes, hash, path },
      {
        onTrack: (id) => {
          if (item.trackId.peek() === id || !LIVE.includes(item.status.peek())) return;
          batch(() => {
            uploadOf(id).value = item;
            item.trackId.value = id;
          });
          touch(id);
        },
        onUrl: (path) => (item.path = path),
        onComparing: () => {
          if (item.status.peek() === "checking") item.status.value = "comparing";
        },
        onProgress: (sent) => {
          if (RUNNING.includes(item.status.peek())) item.status.value = "sending";
          item.sent.value = sent;
          item.rate.note(sent, performance.now() / 1000);
        },
        onDone: (known) => {
          item.sent.value = item.size;
          item.known = known;
          leave(item, "done");
          pump();
        },
        onError: (error) => onError(item, error),
      },
      (path) => items.peek().some((other) => other !== item && other.path === path),
    ),
  };
  return item;
}

/** Put files in line. The same file with the same preset is not sent twice at once. */
export function enqueue(picked: readonly Picked[], preset: string, limits: { max_upload_bytes: number; chunk_bytes: number }): void {
  const there = new Set(items.peek().filter((item) => LIVE.includes(item.status.peek())).map((item) => item.fingerprint));
  const fresh: Item[] = [];
  for (const one of picked) {
    const fingerprint = fingerprintOf(one.file, one.relativePath) + preset;
    if (there.has(fingerprint) || (one.path && items.peek().some(({ path }) => path === one.path))) continue;
    there.add(fingerprint);
    const fits = one.file.size <= limits.max_upload_bytes;
    const item = makeItem(one, fingerprint, preset, limits.chunk_bytes, fits && !one.path ? hashOf(one.file) : NO_HASH);
    if (!fits) {
      item.status.value = "failed";
      item.error.value = t("uploads.tooLarge", { size: bytes(item.size), limit: bytes(limits.max_upload_bytes) });
    }
    fresh.push(item);
  }
  items.value = [...items.peek(), ...fresh];
  pump();
}

function hold(item: Item): void {
  if (!ACTIVE.includes(item.status.peek())) return;
  item.status.value = "paused";
  void item.transfer.pause();
}

export function pause(item: Item): void {
  hold(item);
  pump();
}

export function resume(item: Item): void {
  if (!["paused", "failed", "waiting"].includes(item.status.peek())) return;
  item.error.value = null;
  item.status.value = "queued";
  pump();
}

function drop(item: Item): void {
  leave(item, "gone");
  void item.transfer.cancel().catch(() => {
    // The server lets an unfinished upload go by itself when it expires.
  });
}

/** Take an item out; what the server has of it is let go. */
export function cancel(item: Item): void {
  drop(item);
  pump();
}

export const pauseAll = (): void => items.peek().forEach(hold);
export const resumeAll = (): void => items.peek().forEach((item) => item.status.peek() === "paused" && resume(item));
export const retryFailed = (): void =>
  items.peek().forEach((item) => item.status.peek() === "failed" && item.retryable && resume(item));
export const cancelAll = (): void => [...items.peek()].forEach((item) => item.status.peek() !== "done" && drop(item));

/** Follow the network and guard the window. */
export function watchWindow(): void {
  addEventListener("offline", () => {
    online.value = false;
    for (const item of items.peek()) {
      if (item.status.peek() !== "queued" && !RUNNING.includes(item.status.peek())) continue;
      item.status.value = "waiting";
      void item.transfer.pause();
    }
  });
  addEventListener("online", () => {
    online.value = true;
    requeueWaiting();
  });
  effect(() => {
    if (!locked.value) requeueWaiting();
  });
  addEventListener("beforeunload", (event) => {
    if (busy.peek()) event.preventDefault();
  });
}
