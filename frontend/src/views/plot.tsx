/** A picture over time, with its axes; the caption says what can be read from them. */
import type { JSX } from "preact";
import { type Tick, timeTicks } from "../axes.ts";

interface Drawn {
  src: string;
  alt: string;
  caption: string;
  duration_s: number;
  heights: Tick[];
  unit: string;
  /** Where a dashed line is drawn, in percent from the bottom. */
  line?: number | null;
}

export function Plot({ src, alt, caption, duration_s, heights, unit, line = null }: Drawn): JSX.Element {
  return (
    <figure class="plot">
      <div class="plot-heights" aria-hidden="true">
        {heights.map(({ name, at }) => (
          <span key={name} style={{ bottom: `${at}%` }}>{name}</span>
        ))}
      </div>
      <div class="plot-picture">
        <img src={src} alt={alt} loading="lazy" />
        {line !== null && <i style={{ bottom: `${line}%` }} />}
      </div>
      <small aria-hidden="true">{unit}</small>
      <div class="plot-times" aria-hidden="true">
        {timeTicks(duration_s).map(({ name, at }) => (
          <span key={name} style={{ left: `${at}%` }}>{name}</span>
        ))}
      </div>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
