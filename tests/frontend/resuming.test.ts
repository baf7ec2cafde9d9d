import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf, isUnchanged, type Unfinished } from "../../frontend/src/uploads/transfer.ts";
import { hasStopped } from "../../frontend/src/uploads/unfinished.ts";

const MINUTE_MS = 60_000;
const WHEN = Date.parse("2026-03-01T12:00:00Z");
const song = (lastModified: number, content = "music"): File => new File([content], "song.wav", { lastModified });
const begun = (file: File, relativePath: string): Unfinished => ({ fingerprint: fingerprintOf(file, relativePath) }) as Unfinished;

test("an upload goes on with the file that it was begun with, from whatever folder", () => {
  for (const path of ["song.wav", "album/song.wav"]) assert.ok(isUnchanged(begun(song(WHEN), path), song(WHEN)));
});

test("it does not go on with another version of the file, of the same name and size", () => {
  assert.ok(!isUnchanged(begun(song(WHEN), "song.wav"), song(WHEN + MINUTE_MS, "MUSIC")));
  assert.ok(!isUnchanged(begun(song(WHEN), "song.wav"), song(WHEN, "longer music")));
});

test("an upload has stopped once nothing of it arrived for a quarter of an hour, by the server's clock", () => {
  assert.ok(!hasStopped({ idle_s: 14 * 60 }));
  assert.ok(hasStopped({ idle_s: 16 * 60 }));
  assert.ok(!hasStopped({ idle_s: null }));
});
