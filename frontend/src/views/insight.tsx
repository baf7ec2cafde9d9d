/** The quality report of a track: what was found, the pictures, tempo and key, cue points. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, getInsight, loudnessPictureUrl, spectrogramUrl } from "../api.ts";
import { frequencyTicks, levelTicks } from "../axes.ts";
import { clock, decibels, kilohertz, percent } from "../format.ts";
import { language, t } from "../i18n.ts";
import { toastError } from "../toasts.ts";
import type { Finding, Insight, Track } from "../types.ts";
import { Plot } from "./plot.tsx";

function useInsight(track: string): Insight | null {
  const [found, setFound] = useState<Insight | null>(null);
  const speaks = language.value;
  useEffect(() => {
    let mine = true;
    getInsight(track).then(
      (loaded) => mine && setFound(loaded),
      // Tracks from before there were reports have none.
      (error: unknown) => error instanceof ApiError && error.status === 404 ? undefined : toastError(error),
    );
    return () => void (mine = false);
  }, [track, speaks]);
  return found;
}

function Found({ finding }: { finding: Finding }): JSX.Element {
  return (
    <li class={`finding finding-${finding.severity}`}>
      <strong>{t(`severity.${finding.severity}`)}</strong> {finding.message}
      {finding.at_s !== null && <small> {t("insight.at", { at: clock(finding.at_s) })}</small>}
    </li>
  );
}

function factsOf({ tempo, key, dynamics, stereo, bandwidth, cues }: Insight): [string, string][] {
  const facts: [string, string][] = [];
  if (tempo) facts.push([t("insight.tempo"), t("insight.bpm", { bpm: Math.round(tempo.bpm), sure: percent(tempo.confidence) })]);
  if (key) facts.push([t("insight.key"), t("insight.keyName", { name: `${key.tonic} ${t(`mode.${key.mode}`)}`, sure: percent(key.confidence) })]);
  if (dynamics.plr_db !== null) facts.push([t("insight.plr"), decibels(dynamics.plr_db)]);
  if (dynamics.min_psr_db !== null) facts.push([t("insight.psr"), decibels(dynamics.min_psr_db)]);
  if (stereo && stereo.correlation !== null) facts.push([t("insight.correlation"), decibels(stereo.correlation)]);
  if (bandwidth.cutoff_hz !== null) facts.push([t("insight.bandwidth"), kilohertz(bandwidth.cutoff_hz)]);
  facts.push([t("insight.music"), `${clock(cues.cue_in_s)} – ${clock(cues.cue_out_s)}`]);
  facts.push([t("insight.outro"), clock(cues.outro_start_s)]);
  return facts;
}

export function Report({ track, duration_s }: { track: Track; duration_s: number }): JSX.Element | null {
  const insight = useInsight(track.id);
  if (!insight) return null;
  const { top_hz } = insight.spectrogram;
  const { cutoff_hz } = insight.bandwidth;
  return (
    <section class="detail-insight">
      <h3>{t("insight.title")}</h3>
      {insight.findings.length === 0 ? (
        <p class="insight-clean">{t("insight.clean")}</p>
      ) : (
        <ul class="findings">
          {insight.findings.map((finding) => (
            <Found key={finding.code} finding={finding} />
          ))}
        </ul>
      )}
      <dl class="facts">
        {factsOf(insight).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="insight-pictures">
        <Plot
          src={loudnessPictureUrl(track.id)}
          alt={t("insight.loudnessAlt")}
          caption={t("insight.loudnessCaption")}
          duration_s={duration_s}
          heights={levelTicks()}
          unit="LUFS"
        />
        <Plot
          src={spectrogramUrl(track.id)}
          alt={t("insight.spectrogramAlt")}
          caption={t("insight.spectrogramCaption", { top: kilohertz(top_hz) }) + (cutoff_hz === null ? "" : t("insight.spectrogramCutoff", { cutoff: kilohertz(cutoff_hz) }))}
          duration_s={duration_s}
          heights={frequencyTicks(top_hz)}
          unit="kHz"
          line={cutoff_hz && (100 * cutoff_hz) / top_hz}
        />
      </div>
    </section>
  );
}
