/**
 * What the page knows of the tracks. Each track is a signal, so that one event
 * redraws one row. The list is cut into blocks that the view can leave out of the
 * document while they are far away; within and between blocks, ids fall (newest first).
 */
import { signal, type Signal } from "@preact/signals";
import * as api from "./api.ts";
import { toastError } from "./toasts.ts";
import type { Progress, Track, TrackPage, TrackState } from "./types.ts";

export interface Block {
  key: number;
  ids: string[];
}

export type FilterName = "all" | "active" | "ready" | "problems";

export const FILTERS: Record<FilterName, readonly TrackState[]> = {
  all: [],
  active: ["receiving", "received", "processing"],
  ready: ["ready"],
  problems: ["rejected", "failed", "cancelled", "expired"],
};

const PAGE = 50;
const BLOCK_MAX = 60;
const MANY = 8;

export const blocks = signal<Block[]>([]);
export const counts = signal<TrackPage["counts"]>({});
export const filter = signal<FilterName>("all");
export const search = signal("");
export const listState = signal<"loading" | "idle" | "error">("loading");
/** Whether there are older tracks than those loaded. */
export const hasMore = signal(false);

const known = new Map<string, Signal<Track>>();
let before: string | null = null;
let blockKey = 0;
let generation = 0;

/** The signal of a track that is in the list. */
export function trackSignal(id: string): Signal<Track> | undefined {
  return known.get(id);
}

export function knownTracks(): Track[] {
  return [...known.values()].map((track) => track.peek());
}

function query(extra: { before?: string | null; limit: number }): Promise<TrackPage> {
  return api.listTracks({ states: FILTERS[filter.peek()], text: search.peek(), ...extra });
}

function matches(track: Track): boolean {
  const states = FILTERS[filter.peek()];
  if (states.length > 0 && !states.includes(track.state)) return false;
  const text = search.peek().toLocaleLowerCase();
  if (!text) return true;
  return [track.title, track.artist ?? "", track.filename].some((field) =>
    field.toLocaleLowerCase().includes(text),
  );
}

/** Show what has `text` in its names, whatever its state. */
export function searchFor(text: string): void {
  filter.value = "all";
  search.value = text;
  void reload();
}

/** Load the list from its beginning, for the current filter and search. */
export async function reload(): Promise<void> {
  const mine = ++generation;
  listState.value = "loading";
  try {
    const page = await query({ limit: PAGE });
    if (mine !== generation) return;
    known.clear();
    before = page.next_before;
    for (const track of page.items) known.set(track.id, signal(track));
    blocks.value = [{ key: ++blockKey, ids: page.items.map((track) => track.id) }];
    counts.value = page.counts;
    hasMore.value = before !== null;
    listState.value = "idle";
  } catch (error) {
    if (mine !== generation) return;
    before = null; // what is shown answers another question: there is nothing older to add to it
    hasMore.value = false;
    listState.value = "error";
    toastError(error);
  }
}

/** Load the next older page. */
export async function loadMore(): Promise<void> {
  if (before === null || listState.peek() === "loading") return;
  const mine = generation;
  listState.value = "loading";
  try {
    const page = await query({ limit: PAGE, before });
    if (mine !== generation) return;
    before = page.next_before;
    const fresh = page.items.filter((track) => !known.has(track.id));
    for (const track of fresh) known.set(track.id, signal(track));
    if (fresh.length > 0) {
      blocks.value = [...blocks.peek(), { key: ++blockKey, ids: fresh.map((track) => track.id) }];
    }
    hasMore.value = before !== null;
    listState.value = "idle";
  } catch (error) {
    if (mine !== generation) return;
    listState.value = "error";
    toastError(error);
  }
}

function insert(id: string): void {
  const all = blocks.peek();
  const at = all.findIndex((block) => block.ids.length === 0 || block.ids.at(-1)! < id);
  const block = at === -1 ? all.at(-1) : all[at];
  const newest = all[0]?.ids[0];
  if (!block || (newest !== undefined && newest < id && block.ids.length >= BLOCK_MAX)) {
    blocks.value = [{ key: ++blockKey, ids: [id] }, ...all];
    return;
  }
  const ids = [...block.ids, id].sort((a, b) => (a < b ? 1 : -1));
  blocks.value = all.map((other) => (other === block ? { ...block, ids } : other));
}

function remove(id: string): void {
  if (!known.delete(id)) return;
  blocks.value = blocks
    .peek()
    .map((block) => (block.ids.includes(id) ? { ...block, ids: block.ids.filter((other) => other !== id) } : block));
}

/** Take what the server says of a track into the list, or out of it. */
export function put(track: Track): void {
  const old = known.get(track.id);
  if (!matches(track)) {
    remove(track.id);
  } else if (old) {
    old.value = track;
  } else if (before === null || track.id > before) {
    known.set(track.id, signal(track));
    insert(track.id);
  }
}

export function takeProgress({ track_id, stage, progress }: Progress): void {
  const track = known.get(track_id);
  const run = track?.peek().run;
  if (!track || !run) return;
  track.value = { ...track.peek(), state: "processing", run: { ...run, state: "running", stage, progress } };
}

const stale = new Set<string>();
let timer: ReturnType<typeof setTimeout> | null = null;
let refreshing = false;

/** Say that the server knows something newer of this track. Bursts become few requests. */
export function touch(id: string): void {
  stale.add(id);
  refreshSoon();
}

function refreshSoon(): void {
  if (timer === null && !refreshing) timer = setTimeout(() => void refresh(), 120);
}

async function refresh(): Promise<void> {
  timer = null;
  refreshing = true;
  const ids = [...stale];
  stale.clear();
  try {
    if (ids.length > MANY) {
      const page = await query({ limit: 100 });
      const seen = new Set(page.items.map((track) => track.id));
      page.items.forEach(put);
      await fetchEach(ids.filter((id) => !seen.has(id) && known.has(id)));
    } else {
      await fetchEach(ids);
    }
    counts.value = (await query({ limit: 1 })).counts;
  } catch {
    // The stream of events reconnects and reloads the list when the server is back.
  } finally {
    refreshing = false;
    if (stale.size > 0) refreshSoon();
  }
}

async function fetchEach(ids: string[]): Promise<void> {
  for (const id of ids) {
    try {
      put(await api.getTrack(id));
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      remove(id);
    }
  }
}

/** Bring what is loaded up to date after a gap, without moving the reader. */
export async function catchUp(): Promise<void> {
  try {
    const page = await query({ limit: 100 });
    counts.value = page.counts;
    const last = page.items.at(-1)?.id;
    const seen = new Set(page.items.map((track) => track.id));
    for (const id of [...known.keys()]) {
      if (!seen.has(id) && (page.next_before === null || last === undefined || id > last)) remove(id);
    }
    page.items.forEach(put);
    for (const id of known.keys()) if (!seen.has(id)) stale.add(id);
    if (stale.size > 0) refreshSoon();
  } catch (error) {
    toastError(error);
  }
}

/** The track is gone: take it out and count again. */
export function forget(id: string): void {
  stale.delete(id);
  remove(id);
  refreshSoon();
}

/** Its bytes are all there; the server's word follows. Bridges the moment between. */
export function markReceived(id: string): void {
  const track = known.get(id);
  if (track?.peek().state === "receiving") track.value = { ...track.peek(), state: "received" };
  touch(id);
}
