/** The page's few icons, drawn on a 24-unit grid with one stroke. */
import type { JSX } from "preact";

const PATHS = {
  play: <path d="M8 5.6v12.8a.6.6 0 0 0 .92.5l9.9-6.4a.6.6 0 0 0 0-1l-9.9-6.4a.6.6 0 0 0-.92.5Z" fill="currentColor" stroke="none" />,
  pause: <path d="M8 5.5v13M16 5.5v13" stroke-width="3.2" />,
  download: <path d="M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 19.5h14" />,
  chevron: <path d="m7 10 5 5 5-5" />,
  close: <path d="m6.5 6.5 11 11m0-11-11 11" />,
  check: <path d="m5.5 12.5 4.2 4.2L18.5 8" />,
  retry: <path d="M19 12a7 7 0 1 1-2.3-5.2M19 4.5V8.4h-3.9" />,
  search: <path d="m20 20-4.4-4.4M17.5 11a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0Z" />,
  files: <path d="M9 18.5V6.2l9.5-2v11.4M9 18.5a2.8 2.3 0 1 1-5.5 0 2.8 2.3 0 0 1 5.5 0Zm9.5-2.9a2.8 2.3 0 1 1-5.5 0 2.8 2.3 0 0 1 5.5 0Z" />,
  folder: <path d="M3.5 7.2c0-.9.7-1.7 1.7-1.7h4l2.3 2.5h7.3c1 0 1.7.7 1.7 1.7v7.6c0 .9-.7 1.7-1.7 1.7H5.2c-1 0-1.7-.8-1.7-1.7V7.2Z" />,
  alert: <path d="M12 8v5m0 3.2v.1M12 3.8l9 15.7H3l9-15.7Z" />,
  bin: <path d="M4.5 7h15M9.5 7V4.5h5V7m-8 0 .9 12.5h9.2L17.5 7M10 11v5m4-5v5" />,
  pencil: <path d="m5 19 .8-3.6L16.2 5l2.8 2.8L8.6 18.2 5 19Z" />,
  clock: <path d="M12 7.5V12l3 2m5-2a8 8 0 1 1-16 0 8 8 0 0 1 16 0Z" />,
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]}
    </svg>
  );
}

/** The mark: a string of lamps that is also a level meter. */
export function Mark(): JSX.Element {
  const lamps: [number, number][] = [[5, 13], [11, 19], [17, 23], [23, 18], [29, 14]];
  return (
    <svg class="mark" width="34" height="28" viewBox="0 0 34 28" aria-hidden="true" focusable="false">
      <path d="M1 3c9 8.5 23 8.5 32 0" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" />
      {lamps.map(([x, y]) => (
        <g key={x}>
          <path d={`M${x} ${6 + 3 * (1 - ((x - 17) / 16) ** 2)}V${y}`} stroke="currentColor" stroke-width="1.6" />
          <circle class="mark-lamp" cx={x} cy={y + 1.5} r="2.6" />
        </g>
      ))}
    </svg>
  );
}
