/** The string of lamps over the page. They hang like a waveform and light up as files arrive. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { totals } from "../uploads/totals.ts";

interface Garland {
  width: number;
  wire: string;
  lamps: { x: number; top: number; drop: number }[];
}

/** The wire sags between posts; drops follow two slow waves, so that no two are alike. */
function hang(width: number, count: number, spans: number): Garland {
  const span = width / spans;
  const wire = Array.from({ length: spans }, (_, i) => `M${i * span} 6Q${(i + 0.5) * span} 58 ${(i + 1) * span} 6`);
  const lamps = Array.from({ length: count }, (_, i) => {
    const share = (i + 0.5) / count;
    const inSpan = (share * spans) % 1;
    const top = 6 + 26 * 4 * inSpan * (1 - inSpan);
    return { x: share * width, top, drop: 8 + 17 * Math.abs(Math.sin(i * 1.31) * Math.cos(i * 0.43)) };
  });
  return { width, wire: wire.join(""), lamps };
}

const WIDE = hang(1200, 40, 3);
const NARROW = hang(420, 14, 1);
const narrowScreen = matchMedia("(max-width: 700px)");
const narrow = signal(narrowScreen.matches);
narrowScreen.addEventListener("change", () => (narrow.value = narrowScreen.matches));

export function Garland(): JSX.Element {
  const { width, wire, lamps } = narrow.value ? NARROW : WIDE;
  const sum = totals.value;
  const lit = sum && sum.size > 0 ? Math.round((sum.sent / sum.size) * lamps.length) : lamps.length;
  return (
    <svg class="garland" viewBox={`0 0 ${width} 74`} preserveAspectRatio="xMidYMin slice" aria-hidden="true" focusable="false">
      <defs>
        <radialGradient id="lamplight">
          <stop class="lamplight" offset="0.15" stop-opacity="0.9" />
          <stop class="lamplight" offset="0.45" stop-opacity="0.28" />
          <stop class="lamplight" offset="1" stop-opacity="0" />
        </radialGradient>
      </defs>
      <path class="wire" d={wire} />
      {lamps.map(({ x, top, drop }, i) => (
        <g key={i} class={i < lit ? "lamp lit" : "lamp"}>
          <path class="wire" d={`M${x} ${top}v${drop}`} />
          <circle class="glow" cx={x} cy={top + drop + 3} r="17" />
          <circle class="bulb" cx={x} cy={top + drop + 3} r="3.6" />
        </g>
      ))}
    </svg>
  );
}
