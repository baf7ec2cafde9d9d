/** Places on the axis of a picture that have a round name, in percent of its length. */
import { clock, target } from "./format.ts";

export interface Tick {
  name: string;
  at: number;
}

const MOST_TIMES = 5;
const MOST_FREQUENCIES = 6;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];
const STEPS_KHZ = [0.5, 1, 2, 5, 10, 20, 50];

function ticks(length: number, steps: number[], most: number, name: (value: number) => string): Tick[] {
  if (!(length > 0)) return [];
  const step = steps.find((one) => length <= most * one) ?? length;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => ({ name: name(i * step), at: (100 * i * step) / length }));
}

export function timeTicks(duration_s: number): Tick[] {
  return ticks(duration_s, STEPS_S, MOST_TIMES, clock);
}

/** In kHz, from 0 to the upper edge of a spectrogram. */
export function frequencyTicks(top_hz: number): Tick[] {
  return ticks(top_hz / 1000, STEPS_KHZ, MOST_FREQUENCIES, target);
}

/** In LUFS, over the height of the picture of loudness. */
export function levelTicks(): Tick[] {
  return [-60, -40, -20, 0].map((level) => ({ name: target(level), at: (100 * (level + 60)) / 60 }));
}
