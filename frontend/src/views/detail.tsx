/** What lies under a row: waveform, loudness, versions, the source's facts, the history. */
import type { ComponentChildren, JSX } from "preact";
import { bytes, clock, codec, dateTime, decibels, gain, kilobits, kilohertz, percent } from "../format.ts";
import { t, tOr } from "../i18n.ts";
import type { Loudness, Source, Track } from "../types.ts";
import { AllAlike } from "./alike.tsx";
import { downloadUrl, renditionName } from "./downloads.tsx";
import { History } from "./history.tsx";
import { Icon } from "./icons.tsx";
import { Identify } from "./identify.tsx";
import { Report } from "./insight.tsx";
import { overallVerdict, VerdictBadge, WideMeter } from "./meter.tsx";
import { presetName } from "./presets.tsx";
import { Tags } from "./tags.tsx";
import { Wave } from "./wave.tsx";

function Figures({ name, loudness, lead, tail }: { name: ComponentChildren; loudness: Loudness; lead: string; tail: ComponentChildren }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{decibels(loudness.integrated_lufs)}</td>
      <td>{decibels(loudness.true_peak_dbtp)}</td>
      <td>{decibels(loudness.range_lu)}</td>
      <td>{lead}</td>
      <td class="tail">{tail}</td>
    </tr>
  );
}

function Save({ href, as, name, size_bytes }: { href: string; as: string; name: string; size_bytes: number }): JSX.Element {
  return (
    <a href={href} download={as}>
      {bytes(size_bytes)} <Icon name="download" size={16} />
      <span class="visually-hidden">{t("detail.downloadAs", { name })}</span>
    </a>
  );
}

function Versions({ track, source }: { track: Track; source: Source }): JSX.Element {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={t("detail.versions")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("detail.version")}</th>
            <th scope="col">{t("detail.integrated")}</th>
            <th scope="col">{t("detail.peak")}</th>
            <th scope="col">{t("detail.range")}</th>
            <th scope="col">{t("detail.gain")}</th>
            <th scope="col" class="tail">{t("detail.size")}</th>
          </tr>
        </thead>
        <tbody>
          <Figures
            name={t("track.original")}
            loudness={source.loudness}
            lead={t("detail.unknown")}
            tail={<Save href={source.url} as={track.filename} name={t("track.original")} size_bytes={source.size_bytes} />}
          />
          {track.renditions.map((one) => (
            <Figures
              key={one.name}
              name={<>{renditionName(one)} {one.bitrate_bps && <small>{kilobits(one.bitrate_bps)}</small>}</>}
              loudness={one.loudness}
              lead={gain(one.gain_db)}
              tail={<Save href={downloadUrl(one)} as="" name={renditionName(one)} size_bytes={one.size_bytes} />}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function channelsText(n: number): string {
  return n === 1 ? t("detail.mono") : n === 2 ? t("detail.stereo") : String(n);
}

function factsOf(track: Track): [string, string][] {
  const { source } = track;
  const facts: [string, string][] = [[t("detail.filename"), track.filename]];
  if (source) {
    facts.push([t("detail.format"), source.container.toUpperCase() === codec(source.codec) ? codec(source.codec) : `${source.container} · ${codec(source.codec)}`]);
    facts.push([t("detail.duration"), clock(source.duration_s)], [t("detail.rate"), kilohertz(source.sample_rate_hz)]);
    facts.push([t("detail.channels"), channelsText(source.channels)]);
    if (source.bit_depth) facts.push([t("detail.depth"), t("detail.bits", { n: source.bit_depth })]);
    facts.push([t("detail.size"), bytes(source.size_bytes)]);
    facts.push([t("detail.momentary"), decibels(source.loudness.max_momentary_lufs)], [t("detail.shortTerm"), decibels(source.loudness.max_short_term_lufs)]);
  } else if (track.upload?.size_bytes) {
    facts.push([t("detail.size"), bytes(track.upload.size_bytes)]);
    facts.push([t("state.receiving"), percent(track.upload.offset_bytes / track.upload.size_bytes)]);
  }
  facts.push([t("detail.preset"), presetName(track.preset)], [t("detail.created"), dateTime(track.created_at)]);
  return facts;
}

function Facts({ track }: { track: Track }): JSX.Element {
  const { source } = track;
  return (
    <dl class="facts">
      {factsOf(track).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {source && <Tags tags={source.tags} />}
      {source && source.warnings.length > 0 && (
        <div class="whole">
          <dt>{t("detail.warnings")}</dt>
          {source.warnings.map((code) => (
            <dd key={code}>{tOr(`warning.${code}`, code)}</dd>
          ))}
        </div>
      )}
      {source?.sha256 && (
        <div class="whole">
          <dt>{t("detail.sha256")}</dt>
          <dd class="mono">{source.sha256}</dd>
        </div>
      )}
    </dl>
  );
}

export function Detail({ track }: { track: Track }): JSX.Element {
  const { source, renditions } = track;
  const first = renditions[0];
  const verdict = overallVerdict(renditions);
  return (
    <div class="detail">
      {source && first && (
        <>
          <Wave track={track} />
          <section class="detail-loudness">
            <h3>{t("detail.loudness")}</h3>
            <WideMeter source={source} rendition={first} />
            {verdict && (
              <p class="verdict">
                <VerdictBadge verdict={verdict} /> {t(`verdict.${verdict}.about`)}
              </p>
            )}
          </section>
          <section class="detail-versions">
            <h3>{t("detail.versions")}</h3>
            <Versions track={track} source={source} />
          </section>
        </>
      )}
      <AllAlike track={track} />
      <Identify track={track} />
      {source && <Report track={track} duration_s={source.duration_s} />}
      <section class="detail-source">
        <h3>{t("detail.source")}</h3>
        <Facts track={track} />
      </section>
      <section class="detail-history">
        <h3>{t("detail.history")}</h3>
        <History track={track} />
      </section>
    </div>
  );
}
