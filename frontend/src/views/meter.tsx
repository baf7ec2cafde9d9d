/** Loudness before and after on one line from −40 to 0 LUFS, with the target as a tick. */
import type { JSX } from "preact";
import { decibels, target as formatTarget } from "../format.ts";
import { t } from "../i18n.ts";
import type { Rendition, Source, Track, Verdict } from "../types.ts";

const FLOOR_LUFS = -40;

/** Where a loudness stands on the line, 0 to 100. */
export function place(lufs: number): number {
  return Math.min(100, Math.max(0, ((lufs - FLOOR_LUFS) / -FLOOR_LUFS) * 100));
}

/** What the track as a whole can say: the worst of its renditions. */
export function overallVerdict(renditions: readonly Rendition[]): Verdict | null {
  const order: Verdict[] = ["failed", "ceiling_limited", "not_normalised", "passed"];
  return order.find((verdict) => renditions.some((one) => one.verdict === verdict)) ?? null;
}

const units = (value: number | null | undefined): string => `${decibels(value)} LUFS`;

function label(source: Source, rendition: Rendition): string {
  const before = units(source.loudness.integrated_lufs);
  if (rendition.target_lufs === null) return t("meter.label.untouched", { before });
  const after = units(rendition.loudness.integrated_lufs);
  return t("meter.label", { before, after, target: `${formatTarget(rendition.target_lufs)} LUFS` });
}

function Line({ source, rendition }: { source: Source; rendition: Rendition }): JSX.Element {
  const before = source.loudness.integrated_lufs;
  const after = rendition.loudness.integrated_lufs;
  const aim = rendition.target_lufs;
  const from = before === null ? 0 : place(before);
  const to = after === null ? from : place(after);
  return (
    <span class="meter-line">
      {aim !== null && <i class="meter-target" style={{ left: `${place(aim)}%` }} />}
      {aim !== null && (
        <i class={to < from ? "meter-way down" : "meter-way"} style={{ left: `${Math.min(from, to)}%`, width: `${Math.abs(to - from)}%` }} />
      )}
      {before !== null && <i class="meter-before" style={{ left: `${from}%` }} />}
      {after !== null && aim !== null && <i class="meter-after" style={{ left: `${to}%` }} />}
    </span>
  );
}

/** The small meter of a row. */
export function Meter({ track }: { track: Track }): JSX.Element | null {
  const { source, renditions } = track;
  const first = renditions[0];
  if (!source || !first) return null;
  const before = source.loudness.integrated_lufs;
  const after = first.loudness.integrated_lufs;
  return (
    <div class="meter" role="img" aria-label={label(source, first)}>
      <Line source={source} rendition={first} />
      <span class="meter-figures" aria-hidden="true">
        <span>{decibels(before)}</span>
        {first.target_lufs !== null && <span class="meter-arrow">→</span>}
        {first.target_lufs !== null && <b>{decibels(after)}</b>}
        <small>LUFS</small>
      </span>
    </div>
  );
}

/** The large meter of the details, with its scale and a legend. */
export function WideMeter({ source, rendition }: { source: Source; rendition: Rendition }): JSX.Element {
  const scale = [-40, -30, -20, -10, 0];
  return (
    <div class="meter wide" role="img" aria-label={label(source, rendition)}>
      <Line source={source} rendition={rendition} />
      <span class="meter-scale" aria-hidden="true">
        {scale.map((lufs) => (
          <span key={lufs} style={{ left: `${place(lufs)}%` }}>
            {formatTarget(lufs)}
          </span>
        ))}
      </span>
      <span class="meter-legend" aria-hidden="true">
        <span class="before">{t("meter.before")} {decibels(source.loudness.integrated_lufs)}</span>
        {rendition.target_lufs !== null && <span class="after">{t("meter.after")} {decibels(rendition.loudness.integrated_lufs)}</span>}
        {rendition.target_lufs !== null && <span class="aim">{t("meter.target")} {formatTarget(rendition.target_lufs)}</span>}
      </span>
    </div>
  );
}

export function VerdictBadge({ verdict }: { verdict: Verdict }): JSX.Element {
  return <span class={`badge verdict-${verdict}`}>{t(`verdict.${verdict}`)}</span>;
}
