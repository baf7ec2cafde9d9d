import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { blocks, catchUp, filter, forget, hasMore, loadMore, put, reload, search, touch } from "../../frontend/src/tracks.ts";
import type { Track, TrackPage } from "../../frontend/src/types.ts";

const idOf = (n: number): string => String(n).padStart(6, "0");
const trackOf = (n: number, more: Partial<Track> = {}): Track => ({ id: idOf(n), title: `Faixa ${n}`, filename: "x.wav", artist: null, state: "ready", ...more }) as Track;

/** What the server has, newest first, and what it was asked. */
let there: Track[] = [];
let asked: string[] = [];
let refuse = 0;

globalThis.fetch = (async (address: string) => {
  asked.push(address);
  if (refuse > 0) {
    refuse -= 1;
    return Response.json({ code: "catalog_unavailable" }, { status: 503 });
  }
  const { pathname, searchParams } = new URL(address, "http://x");
  const single = pathname.match(/tracks\/(\d+)$/)?.[1];
  if (single) {
    const track = there.find(({ id }) => id === single);
    return track ? Response.json(track) : Response.json({}, { status: 404 });
  }
  const before = searchParams.get("before");
  const limit = Number(searchParams.get("limit"));
  const found = there.filter(({ id }) => before === null || id < before);
  const items = found.slice(0, limit);
  const page: TrackPage = { items, next_before: found.length > limit ? items.at(-1)!.id : null, counts: { ready: there.length } };
  return Response.json(page);
}) as typeof fetch;

const fill = (from: number, to: number): Track[] => Array.from({ length: to - from }, (_, i) => trackOf(to - 1 - i));
const shown = (): string[] => blocks.value.flatMap(({ ids }) => ids);
const falling = (ids: string[]): string[] => [...ids].sort().reverse();
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeEach(async () => {
  filter.value = "all";
  search.value = "";
  refuse = 0;
  there = fill(1000, 1130);
  await reload();
  asked = [];
});

test("what came in a gap is put in above, all of it and in order, in blocks that stay small", async () => {
  there = [...fill(1130, 1480), ...there];
  await catchUp();
  assert.equal(shown().length, 50 + 350);
  assert.deepEqual(shown(), falling(shown()));
  assert.ok(blocks.value.every(({ ids }) => ids.length <= 60));
  assert.deepEqual(asked.map((address) => new URL(address, "http://x").searchParams.get("limit")), ["200", "200"]);
});

test("where too many came, the list begins anew", async () => {
  there = [...fill(1130, 4000), ...there];
  await catchUp();
  assert.equal(shown()[0], idOf(3999));
  assert.equal(shown().length, 50);
  assert.ok(hasMore.value);
  assert.ok(asked.length <= 6);
});

test("what is gone and what is changed is known down to the oldest that is loaded", async () => {
  await loadMore();
  await loadMore();
  assert.equal(shown().length, 130);
  there = there.filter(({ id }) => id !== idOf(1003)).map((track) => (track.id === idOf(1005) ? trackOf(1005, { title: "Outra" }) : track));
  await catchUp();
  assert.equal(shown().length, 129);
  assert.ok(!shown().includes(idOf(1003)));
});

test("a track stands in its place, whatever was emptied above", async () => {
  await loadMore();
  for (const { id } of there.slice(0, 50)) forget(id);
  put(trackOf(2000));
  put(trackOf(1035));
  assert.deepEqual(shown(), falling(shown()));
  assert.equal(shown()[0], idOf(2000));
});

test("what was deleted does not come back with an answer that was on its way", async () => {
  forget(idOf(1129));
  put(trackOf(1129));
  assert.ok(!shown().includes(idOf(1129)));
});

test("a burst is read in pages, and what could not be read is read later", async () => {
  const fresh = fill(1130, 1400);
  there = [...fresh, ...there];
  refuse = 1;
  for (const { id } of fresh) touch(id);
  await until(() => refuse === 0);
  await until(() => shown().length > 50);
  assert.deepEqual(shown().slice(0, 270), fresh.map(({ id }) => id));
  assert.ok(asked.filter((address) => /tracks\/\d/.test(address)).length <= 8);
});

test("under a search, a change that still answers it stays", async () => {
  there = [trackOf(2001, { title: "São João" })];
  search.value = "joao sao";
  await reload();
  put(trackOf(2001, { title: "São João", artist: "Lia" }));
  assert.deepEqual(shown(), [idOf(2001)]);
  put(trackOf(2001, { title: "Carnaval" }));
  assert.deepEqual(shown(), []);
});
