import assert from "node:assert/strict";
import { test } from "node:test";
import { frequencyTicks, levelTicks, type Tick, timeTicks } from "../../frontend/src/axes.ts";
import { language } from "../../frontend/src/i18n.ts";

const names = (ticks: Tick[]): string => ticks.map(({ name }) => name).join(" ");

test("frequencies are round at any sample rate, each at its height", () => {
  assert.equal(names(frequencyTicks(4_000)), "0 1 2 3 4");
  assert.equal(names(frequencyTicks(11_025)), "0 2 4 6 8 10");
  assert.equal(names(frequencyTicks(22_050)), "0 5 10 15 20");
  assert.equal(names(frequencyTicks(48_000)), "0 10 20 30 40");
  assert.equal(names(frequencyTicks(96_000)), "0 20 40 60 80");
  for (const { name, at } of frequencyTicks(22_050)) assert.ok(Math.abs(at - Number(name) / 0.2205) < 1e-9);
  language.value = "pt-BR";
  assert.equal(names(frequencyTicks(2_000)), "0 0,5 1 1,5 2");
  language.value = "en";
});

test("times are round at any length, and none when there is none", () => {
  assert.equal(names(timeTicks(1.5)), "0:00 0:01");
  assert.equal(names(timeTicks(183.4)), "0:00 1:00 2:00 3:00");
  assert.equal(names(timeTicks(9_000)), "0:00 30:00 1:00:00 1:30:00 2:00:00 2:30:00");
  assert.equal(timeTicks(9_000).at(-1)?.at, 100);
  assert.deepEqual(timeTicks(0), []);
});

test("levels reach from the lower to the upper edge", () => {
  assert.deepEqual(levelTicks().map(({ name, at }) => [name, Math.round(at)]), [["−60", 0], ["−40", 33], ["−20", 67], ["0", 100]]);
});
