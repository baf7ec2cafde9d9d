import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, clock, codec, decibels, gain, kilobits, kilohertz, percent, target, wait } from "../../frontend/src/format.ts";
import { language } from "../../frontend/src/i18n.ts";

test("loudness has one decimal, a true minus sign and the comma of Portuguese", () => {
  language.value = "pt-BR";
  assert.equal(decibels(-14.04), "−14,0");
  assert.equal(gain(7.179), "+7,2");
  language.value = "en";
  assert.equal(decibels(-14.04), "−14.0");
});

test("what rounds to zero has no sign", () => {
  assert.equal(decibels(-0.04), "0.0");
  assert.equal(gain(0.04), "0.0");
});

test("a missing number is a dash, never zero", () => {
  assert.equal(decibels(null), "–");
  assert.equal(bytes(undefined), "–");
  assert.equal(clock(NaN), "–");
});

test("a target shows decimals only where it has some", () => {
  assert.equal(target(-14), "−14");
  assert.equal(target(-18.5), "−18.5");
});

test("bytes are powers of 1000 and never 1000 of a unit", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(999_600), "1.0 MB");
  assert.equal(bytes(1_234_567), "1.2 MB");
  assert.equal(bytes(8_589_934_592), "8.6 GB");
});

test("percent is 100 only at the end", () => {
  assert.equal(percent(0.9999), "99\u00a0%");
  assert.equal(percent(1), "100\u00a0%");
  assert.equal(percent(-1), "0\u00a0%");
});

test("a figure and its unit stay in one line", () => {
  assert.equal(kilohertz(44_100), "44.1\u00a0kHz");
  assert.equal(kilohertz(48_000), "48\u00a0kHz");
  assert.equal(kilobits(128_000), "128\u00a0kbit/s");
});

test("a clock shows hours only when there are some", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(187.2), "3:07");
  assert.equal(clock(3605), "1:00:05");
});

test("a wait is said as one would say it", () => {
  assert.equal(wait(0.2), "1 s");
  assert.equal(wait(59), "59 s");
  assert.equal(wait(61), "1 min");
  assert.equal(wait(3 * 3600 + 120), "3 h 2 min");
});

test("a codec is called what people call it", () => {
  assert.equal(codec("pcm_s24le"), "PCM");
  assert.equal(codec("vorbis"), "Vorbis");
  assert.equal(codec("wmav2"), "WMAV2");
});
