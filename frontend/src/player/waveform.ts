/**
 * Peaks and how to draw them. A canvas of our own, since a library's waveform brings its
 * own styles, events and media element, and all that is needed here are these bars.
 */
import { getWaveform, type WaveformFile } from "../api.ts";
import { foldPeaks } from "./fold.ts";

export interface Ink {
  played: string;
  rest: string;
  head: string;
}

const BAR = 2;
const GAP = 1.5;

/** Paint the bars, those before `share` as played. `peaks` null paints a resting line. */
export function paint(canvas: HTMLCanvasElement, file: WaveformFile | null, share: number, ink: Ink): void {
  const scale = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0) return;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const bars = Math.max(1, Math.floor((width + GAP) / (BAR + GAP)));
  const peaks = file ? foldPeaks(file, bars) : new Float32Array(bars);
  // Quiet recordings would be a flat line: draw relative to their own peak, not full scale.
  const loudest = Math.max(0.02, ...peaks);
  const edge = share * width;
  for (let bar = 0; bar < bars; bar += 1) {
    const x = bar * (BAR + GAP);
    const tall = Math.max(BAR, (peaks[bar]! / loudest) ** 0.85 * height);
    context.fillStyle = x < edge ? ink.played : ink.rest;
    context.beginPath();
    context.roundRect(x, (height - tall) / 2, BAR, tall, BAR / 2);
    context.fill();
  }
  if (share > 0) {
    context.fillStyle = ink.head;
    context.fillRect(Math.min(width - 1.5, edge), 0, 1.5, height);
  }
}

const KEEP = 12;
const cache = new Map<string, Promise<WaveformFile>>();

/** A track's waveform; the last few are kept. */
export function waveformOf(track: string): Promise<WaveformFile> {
  const found = cache.get(track);
  if (found) return found;
  const loading = getWaveform(track);
  cache.set(track, loading);
  loading.catch(() => cache.delete(track));
  if (cache.size > KEEP) cache.delete(cache.keys().next().value!);
  return loading;
}
