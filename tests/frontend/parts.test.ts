import assert from "node:assert/strict";
import { test } from "node:test";
import type { WaveformFile } from "../../frontend/src/api.ts";
import { foldPeaks } from "../../frontend/src/player/fold.ts";
import { sift } from "../../frontend/src/uploads/files.ts";
import { Rate } from "../../frontend/src/uploads/rate.ts";

function waveform(channels: number, data: number[]): WaveformFile {
  return { version: 2, channels, sample_rate: 44100, samples_per_pixel: 256, bits: 8, length: data.length / 2 / channels, data };
}

test("a bar is as tall as the loudest sample under it, of any channel and sign", () => {
  const stereo = waveform(2, [-1, 1, -64, 2, -3, 3, -4, 128]);
  assert.deepEqual([...foldPeaks(stereo, 2)], [0.5, 1]);
});

test("more bars than points repeat points, and no points are silence", () => {
  assert.deepEqual([...foldPeaks(waveform(1, [-32, 32, -64, 64]), 4)], [0.25, 0.25, 0.5, 0.5]);
  assert.deepEqual([...foldPeaks(waveform(1, []), 3)], [0, 0, 0]);
});

function picked(relativePath: string): { file: File; relativePath: string } {
  return { file: new File(["x"], relativePath.split("/").at(-1)!), relativePath };
}

test("a folder gives its audio in the order of its track numbers; the rest is counted", () => {
  const all = ["disco/10 fim.flac", "disco/2 meio.flac", "disco/capa.JPG", "disco/.DS_Store", "disco/sem extensão"].map(picked);
  const found = sift(all);
  assert.deepEqual(found.picked.map(({ relativePath }) => relativePath), ["disco/2 meio.flac", "disco/10 fim.flac", "disco/sem extensão"]);
  assert.equal(found.leftOut, 1);
});

test("a rate needs some time, looks at the last seconds only, and starts over after a step back", () => {
  const rate = new Rate();
  rate.note(0, 0);
  assert.equal(rate.speed, null);
  assert.equal(rate.left(100), null);
  rate.note(1000, 1);
  assert.equal(rate.speed, 1000);
  assert.equal(rate.left(500), 0.5);
  for (let s = 2; s <= 20; s += 1) rate.note(1000 + 10 * s, s);
  assert.ok(rate.speed! < 20);
  rate.note(0, 21);
  assert.equal(rate.speed, null);
});
