/** The string of lamps over the page. They hang like a waveform and light up as files arrive. */
import type { JSX } from "preact";
import { totals } from "../uploads/totals.ts";

const WIDTH = 1200;
const LAMPS = 40;
const SPANS = 3;

interface Lamp {
  x: number;
  top: number;
  drop: number;
}

/** The wire sags between posts; drops follow two slow waves, so that no two are alike. */
function hang(): Lamp[] {
  return Array.from({ length: LAMPS }, (_, i) => {
    const share = (i + 0.5) / LAMPS;
    const inSpan = (share * SPANS) % 1;
    const top = 6 + 26 * 4 * inSpan * (1 - inSpan);
    const drop = 8 + 17 * Math.abs(Math.sin(i * 1.31) * Math.cos(i * 0.43));
    return { x: share * WIDTH, top, drop };
  });
}

function wire(): string {
  const span = WIDTH / SPANS;
  return Array.from({ length: SPANS }, (_, i) => `M${i * span} 6Q${(i + 0.5) * span} 58 ${(i + 1) * span} 6`).join("");
}

const HUNG = hang();
const WIRE = wire();

export function Garland(): JSX.Element {
  const sum = totals.value;
  const lit = sum && sum.size > 0 ? Math.round((sum.sent / sum.size) * LAMPS) : LAMPS;
  return (
    <svg class="garland" viewBox={`0 0 ${WIDTH} 74`} preserveAspectRatio="xMidYMin slice" aria-hidden="true" focusable="false">
      <defs>
        <radialGradient id="lamplight">
          <stop class="lamplight" offset="0.15" stop-opacity="0.9" />
          <stop class="lamplight" offset="0.45" stop-opacity="0.28" />
          <stop class="lamplight" offset="1" stop-opacity="0" />
        </radialGradient>
      </defs>
      <path class="wire" d={WIRE} />
      {HUNG.map(({ x, top, drop }, i) => (
        <g key={i} class={i < lit ? "lamp lit" : "lamp"}>
          <path class="wire" d={`M${x} ${top}v${drop}`} />
          <circle class="glow" cx={x} cy={top + drop + 3} r="17" />
          <circle class="bulb" cx={x} cy={top + drop + 3} r="3.6" />
        </g>
      ))}
    </svg>
  );
}
