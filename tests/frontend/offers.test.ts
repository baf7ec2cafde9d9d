import assert from "node:assert/strict";
import { test } from "node:test";
import { choices, chosen, spec } from "../../frontend/src/offers.ts";

const names = (specs: { name: string }[]): string[] => specs.map(({ name }) => name);

test("what a preset has stays under the names it has", () => {
  const renditions = [spec("loud", "mp3", { bitrate_bps: 320_000 }), spec("aac", "aac", { bitrate_bps: 96_000 }), spec("twin", "wav"), spec("wav", "wav")];
  const all = names(renditions);
  assert.deepEqual(chosen({ renditions }, all), renditions);
  assert.deepEqual(choices({ renditions }).slice(0, 4), renditions);
});

test("what is offered has a name of its own, and nothing is offered twice", () => {
  const renditions = [spec("aac", "aac", { bitrate_bps: 96_000 }), spec("loud", "mp3", { bitrate_bps: 320_000 })];
  const offered = choices({ renditions });
  assert.equal(new Set(names(offered)).size, offered.length);
  assert.equal(offered.find(({ bitrate_bps, format }) => format === "aac" && bitrate_bps === 256_000)?.name, "aac-2");
  assert.equal(offered.filter(({ bitrate_bps }) => bitrate_bps === 320_000).length, 1);
});

test("an HLS set brings a rate along, unless there is one", () => {
  const renditions = [spec("aac", "wav")];
  assert.deepEqual(names(chosen({ renditions }, ["aac", "hls"])), ["aac-2", "aac", "hls"]);
  const withRate = [spec("aac", "aac", { bitrate_bps: 96_000 })];
  assert.deepEqual(names(chosen({ renditions: withRate }, ["aac", "hls"])), ["aac", "hls"]);
});
