/** Everything being sent, in one strip: totals, the queue, and what was not sent. */
import type { JSX } from "preact";
import { bytes, percent, wait } from "../format.ts";
import { plural, t } from "../i18n.ts";
import { cancelAll, items, online, pauseAll, resumeAll, retryFailed, type Item } from "../uploads/queue.ts";
import { totals, type Totals } from "../uploads/totals.ts";
import { ask } from "./dialog.tsx";
import { UploadActions, UploadProgress } from "./progress.tsx";

const QUEUE_SHOWN = 5;

function facts(sum: Totals): string {
  const left = sum.eta_s;
  return [
    t("uploads.progress", { done: String(sum.done), total: plural("uploads.files", sum.files) }),
    t("uploads.progress", { done: bytes(sum.sent), total: bytes(sum.size) }),
    sum.speed === null || sum.speed < 1 ? "" : t("uploads.speed", { speed: bytes(sum.speed) }),
    left === null || sum.sent >= sum.size ? "" : t("uploads.eta", { time: wait(left) }),
  ]
    .filter(Boolean)
    .join(" · ");
}

function askToCancelAll(): void {
  ask({
    title: t("cancelAll.title"),
    lead: t("cancelAll.lead"),
    confirm: t("cancelAll.confirm"),
    keep: t("cancelAll.keep"),
    onConfirm: cancelAll,
  });
}

function Waiting({ item }: { item: Item }): JSX.Element {
  return (
    <li class="waiting" data-upload={item.status.value}>
      <span class="waiting-name">{item.name}</span>
      {item.status.value === "queued" ? <span class="note">{bytes(item.size)}</span> : <UploadProgress item={item} />}
      <span class="row-actions">
        <UploadActions item={item} />
      </span>
    </li>
  );
}

export function Sending(): JSX.Element | null {
  const sum = totals.value;
  if (!sum) return null;
  const share = sum.size > 0 ? sum.sent / sum.size : 0;
  // Once its track exists, an upload is shown by the track's own row; that may be out of sight when it fails.
  const queue = items.value.filter(({ status, trackId }) => status.value === "failed" || (trackId.value === null && status.value !== "done"));
  const failed = queue.filter(({ status }) => status.value === "failed");
  const rest = queue.filter(({ status }) => status.value !== "failed").slice(0, QUEUE_SHOWN);
  const hidden = queue.length - failed.length - rest.length;
  const stillGoing = sum.files - sum.done - sum.failed;
  return (
    <section class="sending" aria-label={t("uploads.title")}>
      {stillGoing > 0 && (
        <div class="sending-head">
          <b class="sending-share">{percent(share)}</b>
          <span class="bar" role="progressbar" aria-label={t("uploads.title")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share * 100)}>
            <i style={{ width: `${(share * 100).toFixed(2)}%` }} />
          </span>
          <span class="note">{online.value ? facts(sum) : t("uploads.offline")}</span>
          <span class="sending-actions">
            {sum.paused < stillGoing && <button type="button" class="button quiet-button" onClick={pauseAll}>{t("uploads.pauseAll")}</button>}
            {sum.paused > 0 && <button type="button" class="button quiet-button" onClick={resumeAll}>{t("uploads.resumeAll")}</button>}
            <button type="button" class="button quiet-button" onClick={askToCancelAll}>{t("uploads.cancelAll")}</button>
          </span>
        </div>
      )}
      {queue.length > 0 && (
        <div class="sending-rest">
          <ul class="queue" aria-label={t("uploads.queue")}>
            {[...failed, ...rest].map((item) => (
              <Waiting key={item.key} item={item} />
            ))}
          </ul>
          {failed.filter(({ retryable }) => retryable).length > 1 && (
            <button type="button" class="button quiet-button" onClick={retryFailed}>
              {t("uploads.retryAll")}
            </button>
          )}
          {hidden > 0 && <p class="note">{plural("uploads.more", hidden)}</p>}
        </div>
      )}
    </section>
  );
}
