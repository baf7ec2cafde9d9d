/**
 * What the page knows of the tracks. Each track is a signal, so that one event
 * redraws one row. The list is cut into blocks that the view can leave out of the
 * document while they are far away; within and between blocks, ids fall (newest first).
 */
import { batch, computed, signal, type Signal } from "@preact/signals";
import * as api from "./api.ts";
import { finds } from "./search.ts";
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
/** What is loaded is gone through again in pages of this many; the server gives no more. */
const LONG_PAGE = 200;
/** So many pages of new tracks are put in above the reader; where more came, the list begins anew. */
const PATIENT_PAGES = 5;
const BLOCK_MAX = 60;
const MANY = 8;
const RETRY_MS = 5000;

export const blocks = signal<Block[]>([]);
export const counts = signal<TrackPage["counts"]>({});
/** Whether there is any track, whatever is shown of them. */
export const hasAny = computed(() => blocks.value.length > 0 || Object.values(counts.value).some((n) => n > 0));
export const filter = signal<FilterName>("all");
export const search = signal("");
export const listState = signal<"loading" | "idle" | "error">("loading");
/** Whether there are older tracks than those loaded. */
export const hasMore = signal(false);

const known = new Map<string, Signal<Track>>();
/** What an answer that was on its way may still tell of. */
const deleted = new Set<string>();
let before: string | null = null;
let blockKey = 0;
let generation = 0;

/** The signal of a track that is in the list. */
export function trackSignal(id: string): Signal<Track> | undefined {
  return known.get(id);
}

function query(extra: { before?: string | null; limit: number }): Promise<TrackPage> {
  return api.listTracks({ states: FILTERS[filter.peek()], text: search.peek(), ...extra });
}

function matches(track: Track): boolean {
  const states = FILTERS[filter.peek()];
  if (states.length > 0 && !states.includes(track.state)) return false;
  return search.peek() === "" || finds(search.peek(), track);
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
    blocks.value = page.items.length > 0 ? [{ key: ++blockKey, ids: page.items.map((track) => track.id) }] : [];
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

/** Put an id where it belongs: into the block around it, else to the end of one beside it that has room. */
function insert(id: string): void {
  const all = blocks.peek();
  const found = all.findIndex(({ ids }) => ids.at(-1)! < id);
  const at = found === -1 ? all.length : found;
  const newer = all[at - 1];
  const older = all[at];
  const isInside = older !== undefined && older.ids[0]! > id;
  const block = isInside ? older : [newer, older].find((one) => one && one.ids.length < BLOCK_MAX);
  if (!block) {
    blocks.value = all.toSpliced(at, 0, { key: ++blockKey, ids: [id] });
    return;
  }
  const ids = [...block.ids, id].sort((a, b) => (a < b ? 1 : -1));
  blocks.value = all.map((other) => (other === block ? { ...block, ids } : other));
}

function remove(id: string): void {
  if (!known.delete(id)) return;
  blocks.value = blocks
    .peek()
    .map((block) => (block.ids.includes(id) ? { ...block, ids: block.ids.filter((other) => other !== id) } : block))
    .filter(({ ids }) => ids.length > 0);
}

/** Whether a track would stand among those that are loaded: there are none older than the last one. */
const isInReach = (id: string): boolean => before === null || id > before;

function show(track: Track): void {
  const old = known.get(track.id);
  if (old) {
    old.value = track;
  } else if (isInReach(track.id) && !deleted.has(track.id)) {
    known.set(track.id, signal(track));
    insert(track.id);
  }
}

/** Take what the server says of a track into the list, or out of it. */
export function put(track: Track): void {
  if (matches(track)) show(track);
  else remove(track.id);
}

/** Show new tracks, the oldest first, so that many fill block after block. */
function showNew(fresh: readonly Track[]): void {
  const unknown = fresh.filter(({ id }) => !known.has(id)); // one that was told of meanwhile is newer than here
  batch(() => unknown.sort((a, b) => (a.id < b.id ? -1 : 1)).forEach(show));
}

/**
 * Read the page before `cursor` as it is now: what was there and is not in it goes, what is known
 * is brought up to date, and what is new is returned. Null when the list was begun anew meanwhile.
 */
async function readAgain(cursor: string | null, limit: number): Promise<{ end: string | null; fresh: Track[] } | null> {
  const mine = generation;
  const there = [...known.keys()];
  const page = await query({ before: cursor, limit });
  if (mine !== generation) return null;
  const end = page.next_before;
  const listed = new Set(page.items.map((track) => track.id));
  const gone = there.filter((id) => (cursor === null || id < cursor) && (end === null || id >= end) && !listed.has(id));
  batch(() => {
    counts.value = page.counts;
    gone.forEach(remove);
    page.items.filter((track) => known.has(track.id)).forEach(show);
  });
  return { end, fresh: page.items.filter((track) => !known.has(track.id)) };
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

function refreshSoon(after_ms = 120): void {
  if (timer === null && !refreshing) timer = setTimeout(() => void refresh(), after_ms);
}

async function refresh(): Promise<void> {
  timer = null;
  refreshing = true;
  const asked = new Set([...stale].filter((id) => known.has(id) || isInReach(id)));
  stale.clear();
  let failed = false;
  try {
    if (asked.size > MANY) await refreshPages(asked);
    await refreshEach(asked);
    counts.value = (await query({ limit: 1 })).counts;
  } catch {
    failed = true;
    asked.forEach((id) => stale.add(id));
  } finally {
    refreshing = false;
    if (failed) refreshSoon(RETRY_MS);
    else if (stale.size > 0) refreshSoon();
  }
}

/** Go down the list as long as many of those asked for may come; take them off as they do. */
async function refreshPages(asked: Set<string>): Promise<void> {
  let cursor: string | null = null;
  do {
    const page = await readAgain(cursor, LONG_PAGE / 2);
    if (!page) return asked.clear();
    showNew(page.fresh);
    cursor = page.end;
    for (const id of asked) if (cursor === null || id >= cursor) asked.delete(id);
  } while (asked.size > MANY);
}

async function refreshEach(asked: Set<string>): Promise<void> {
  for (const id of asked) {
    try {
      put(await api.getTrack(id));
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      remove(id);
    }
    asked.delete(id);
  }
}

let catching = 0;

/** Bring all that is loaded up to date after a gap, without moving the reader. */
export async function catchUp(): Promise<void> {
  const mine = ++catching;
  const newest = blocks.peek()[0]?.ids[0];
  // Nothing to keep in its place, or what is shown answers another question.
  if (newest === undefined || (listState.peek() === "error" && !hasMore.peek())) return reload();
  const fresh: Track[] = [];
  let cursor: string | null = null;
  try {
    for (let pages = 1; ; pages += 1) {
      const page = await readAgain(cursor, LONG_PAGE);
      if (!page || mine !== catching) return;
      fresh.push(...page.fresh);
      cursor = page.end;
      // New ones are shown when none is missing between them and those that were there.
      if (cursor === null || cursor <= newest) showNew(fresh.splice(0));
      else if (pages >= PATIENT_PAGES) return await reload();
      if (cursor === null || (before !== null && cursor <= before)) return;
    }
  } catch (error) {
    if (mine !== catching) return;
    toastError(error);
    setTimeout(() => mine === catching && void catchUp(), RETRY_MS);
  }
}

/** The track is gone: take it out and count again. */
export function forget(id: string): void {
  deleted.add(id);
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
