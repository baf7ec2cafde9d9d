/** From the many points of a waveform to the few bars of a canvas. */
import type { WaveformFile } from "../api.ts";

/** The loudest sample of each bar, 0 to 1, over all channels. */
export function foldPeaks(file: WaveformFile, bars: number): Float32Array {
  const out = new Float32Array(bars);
  const perPixel = 2 * file.channels;
  const pixels = Math.min(file.length, Math.floor(file.data.length / perPixel));
  const full = 2 ** (file.bits - 1);
  if (pixels === 0) return out;
  for (let bar = 0; bar < bars; bar += 1) {
    const from = Math.floor((bar * pixels) / bars);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * pixels) / bars));
    let peak = 0;
    for (let at = from * perPixel; at < to * perPixel; at += 1) peak = Math.max(peak, Math.abs(file.data[at]!));
    out[bar] = Math.min(1, peak / full);
  }
  return out;
}
