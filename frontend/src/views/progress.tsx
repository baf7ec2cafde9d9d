/** What a row shows on the way: bytes going up, then the five stages. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { bytes, dateTime, percent, wait } from "../format.ts";
import { t, type Key } from "../i18n.ts";
import { takeBack } from "../intake.ts";
import { touch } from "../tracks.ts";
import { STAGES, type Run, type Track, type Upload } from "../types.ts";
import { cancel, pause, resume, type Item } from "../uploads/queue.ts";
import { Icon } from "./icons.tsx";
import { hasStopped, unfinishedHere } from "../uploads/unfinished.ts";

const LOOK_MS = 15_000;

function Bar({ share, label, tone = "" }: { share: number; label: string; tone?: string }): JSX.Element {
  return (
    <span class={`bar ${tone}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share * 100)}>
      <i style={{ width: `${(share * 100).toFixed(2)}%` }} />
    </span>
  );
}

function statusText(item: Item, share: number): string {
  const status = item.status.value;
  if (status !== "sending") return t(`uploads.${status}` as Key);
  const speed = item.rate.speed;
  const left = item.rate.left(item.size - item.sent.value);
  return [
    percent(share),
    t("uploads.progress", { done: bytes(item.sent.value), total: bytes(item.size) }),
    speed === null ? "" : t("uploads.speed", { speed: bytes(speed) }),
    left === null || share >= 1 ? "" : t("uploads.eta", { time: wait(left) }),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** One file being sent from this page. */
export function UploadProgress({ item }: { item: Item }): JSX.Element {
  const status = item.status.value;
  const share = item.size > 0 ? item.sent.value / item.size : 0;
  if (status === "failed") return <p class="message bad">{item.error.value}</p>;
  return (
    <div class={`upload is-${status}`}>
      <Bar share={share} label={t("uploads.sending")} tone={status === "sending" ? "" : "still"} />
      <span class="note">{statusText(item, share)}</span>
    </div>
  );
}

/** Pause or resume, and cancel. */
export function UploadActions({ item }: { item: Item }): JSX.Element {
  const status = item.status.value;
  const { name } = item;
  return (
    <>
      {(status === "sending" || status === "checking" || status === "comparing" || status === "queued") && (
        <button type="button" class="icon-button" aria-label={t("uploads.pause", { name })} onClick={() => pause(item)}>
          <Icon name="pause" />
        </button>
      )}
      {(status === "paused" || status === "waiting") && (
        <button type="button" class="icon-button" aria-label={t("uploads.resume", { name })} onClick={() => resume(item)}>
          <Icon name="play" />
        </button>
      )}
      {status === "failed" && item.retryable && (
        <button type="button" class="icon-button" aria-label={t("uploads.retry", { name })} onClick={() => resume(item)}>
          <Icon name="retry" />
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={t(status === "failed" ? "uploads.dismiss" : "uploads.cancel", { name })}
        onClick={() => cancel(item)}
      >
        <Icon name="close" />
      </button>
    </>
  );
}

function foreignText(upload: Upload | null, share: string, isOurs: boolean): string {
  if (isOurs) return t("uploads.interrupted", { percent: share });
  if (!upload || !hasStopped(upload)) return t("uploads.elsewhere", { percent: share });
  return t("uploads.stopped", { percent: share, time: dateTime(upload.updated_at) });
}

/** A track whose bytes come from elsewhere, or came from here before a reload. */
export function ForeignUpload({ track }: { track: Track }): JSX.Element {
  const { upload } = track;
  const share = upload?.size_bytes ? upload.offset_bytes / upload.size_bytes : 0;
  const ours = upload ? unfinishedHere(upload.url) : undefined;
  // No event tells how far it is, or that it went no further.
  useEffect(() => {
    const timer = setInterval(() => touch(track.id), LOOK_MS);
    return () => clearInterval(timer);
  }, [track.id]);
  return (
    <div class="upload is-paused">
      <Bar share={share} label={t("state.receiving")} tone="still" />
      <span class="note">{foreignText(upload, percent(share), ours !== undefined)}</span>
      {ours && (
        <label class="link-button">
          {t("uploads.choose")}
          <input type="file" class="visually-hidden" onChange={(event) => takeBack(event.currentTarget, track, ours)} />
        </label>
      )}
    </div>
  );
}

/** The five stages as five strings, plucked one after the other. */
export function StageProgress({ run }: { run: Run | null }): JSX.Element {
  const at = run?.stage ? STAGES.indexOf(run.stage) : -1;
  const stage = at === -1 ? t("stage.queued") : t(`stage.${STAGES[at]!}`);
  const share = run?.progress ?? 0;
  const spoken = at === -1 ? stage : t("stage.label", { stage, n: at + 1, total: STAGES.length, percent: percent(share) });
  return (
    <div class="stages" role="progressbar" aria-label={spoken} aria-valuetext={spoken} aria-valuemin={0} aria-valuemax={STAGES.length} aria-valuenow={Math.max(0, at) + share}>
      <span class="stages-line" aria-hidden="true">
        {STAGES.map((name, i) => (
          <i key={name} class={i < at ? "done" : i === at ? "now" : ""}>
            <b style={{ width: i < at ? "100%" : i === at ? `${(share * 100).toFixed(1)}%` : "0%" }} />
          </i>
        ))}
      </span>
      <span class="note" aria-hidden="true">
        {stage}
        {at !== -1 && share > 0 && <span class="figure"> {percent(share)}</span>}
      </span>
    </div>
  );
}
