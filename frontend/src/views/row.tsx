/** One track, from its first byte to its download. */
import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { cancelTrack, deleteTrack, endUpload, getTrack, retryTrack } from "../api.ts";
import { clock, codec, kilohertz } from "../format.ts";
import { t } from "../i18n.ts";
import * as player from "../player/player.ts";
import { toast, toastError } from "../toasts.ts";
import { forget, put, searchFor, touch } from "../tracks.ts";
import type { Track } from "../types.ts";
import { uploadOf, type Item } from "../uploads/queue.ts";
import { forgetUnfinished } from "../uploads/transfer.ts";
import { SoundsLike } from "./alike.tsx";
import { Detail } from "./detail.tsx";
import { ask } from "./dialog.tsx";
import { DownloadMenu } from "./downloads.tsx";
import { EditForm } from "./edit.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Meter, overallVerdict, VerdictBadge } from "./meter.tsx";
import { presetName } from "./presets.tsx";
import { ForeignUpload, StageProgress, UploadActions, UploadProgress } from "./progress.tsx";

/** Rows whose details are open; kept here because far rows leave the document. */
const opened = signal<ReadonlySet<string>>(new Set());

function toggleDetails(id: string): void {
  const next = new Set(opened.peek());
  if (!next.delete(id)) next.add(id);
  opened.value = next;
}

async function attempt({ id }: Track, action: Promise<Track>): Promise<void> {
  try {
    put(await action);
  } catch (error) {
    toastError(error);
    touch(id); // what is shown may be why it was asked for
  }
}

/** Cancel the work on a track; of one that is not whole, what has arrived is let go. */
async function stop({ id, state, upload }: Track): Promise<Track> {
  if (state !== "receiving" || !upload) return cancelTrack(id);
  await endUpload(upload.url);
  await forgetUnfinished(upload.url);
  return getTrack(id);
}

/** Whether its bytes are still there to work on. */
const canRetry = ({ state, source, upload }: Track): boolean =>
  (state === "failed" || state === "cancelled") && (Boolean(source?.sha256) || upload?.state === "received" || upload?.state === "stored");

function askToDelete(track: Track): void {
  const remove = async (): Promise<void> => {
    try {
      await deleteTrack(track.id);
      if (player.current.peek()?.id === track.id) player.close();
      if (track.upload) await forgetUnfinished(track.upload.url);
      forget(track.id);
      toast(t("toast.deleted", { title: track.title }));
    } catch (error) {
      toastError(error);
    }
  };
  ask({
    title: t("delete.title", { title: track.title }),
    lead: t("delete.lead"),
    confirm: t("delete.confirm"),
    keep: t("delete.keep"),
    onConfirm: () => void remove(),
  });
}

const FACES: Record<Exclude<Track["state"], "ready">, IconName> = {
  receiving: "files",
  received: "clock",
  processing: "files",
  rejected: "alert",
  failed: "alert",
  cancelled: "close",
  expired: "clock",
};

function Lead({ track }: { track: Track }): JSX.Element {
  if (track.state !== "ready") {
    return (
      <span class="face" role="img" aria-label={t(`state.${track.state}`)} title={t(`state.${track.state}`)}>
        <Icon name={FACES[track.state]} />
      </span>
    );
  }
  const on = player.playing.value && player.current.value?.id === track.id;
  return (
    <button type="button" class="play-button" aria-label={t(on ? "track.pause" : "track.play", { title: track.title })} onClick={() => player.toggle(track)}>
      <Icon name={on ? "pause" : "play"} size={22} />
    </button>
  );
}

function metaOf(track: Track): string {
  const { source } = track;
  const facts = source ? [clock(source.duration_s), codec(source.codec), kilohertz(source.sample_rate_hz)] : [];
  return [...facts, presetName(track.preset)].join(" · ");
}

/** Says that the same bytes were here before, and shows both tracks. */
function Twin({ of }: { of: string }): JSX.Element {
  const show = async (): Promise<void> => {
    try {
      searchFor((await getTrack(of)).title);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <button type="button" class="link-button twin" title={t("track.duplicateLead")} onClick={() => void show()}>
      {t("track.duplicate")}
    </button>
  );
}

function Middle({ track, item }: { track: Track; item: Item | null }): JSX.Element {
  if (item && track.state === "receiving") return <UploadProgress item={item} />;
  switch (track.state) {
    case "receiving":
      return <ForeignUpload track={track} />;
    case "received":
    case "processing":
      return <StageProgress run={track.run} />;
    case "ready": {
      const verdict = overallVerdict(track.renditions);
      return (
        <div class="result">
          <Meter track={track} />
          {verdict && <VerdictBadge verdict={verdict} />}
        </div>
      );
    }
    default:
      return (
        <p class={track.state === "cancelled" || track.state === "expired" ? "message" : "message bad"}>
          <b>{t(`state.${track.state}`)}.</b> {track.message ?? t(`message.${track.state}`)}
          {track.code && <code title={t("message.code")}>{track.code}</code>}
        </p>
      );
  }
}

/** Whether its bytes come from elsewhere, or came from here before a reload. */
const isForeign = ({ state }: Track, item: Item | null): boolean => state === "receiving" && !item;

function Actions({ track, item }: { track: Track; item: Item | null }): JSX.Element {
  const { id, title, state } = track;
  const working = state === "received" || state === "processing" || isForeign(track, item);
  return (
    <div class="row-actions">
      {state === "ready" && <DownloadMenu track={track} />}
      {item && state === "receiving" && <UploadActions item={item} />}
      {working && (
        <button type="button" class="icon-button" aria-label={t("track.cancelOf", { title })} onClick={() => void attempt(track, stop(track))}>
          <Icon name="close" />
        </button>
      )}
      {canRetry(track) && (
        <button type="button" class="button quiet-button" aria-label={t("track.retryOf", { title })} onClick={() => void attempt(track, retryTrack(id))}>
          <Icon name="retry" size={18} /> <span class="wide-only">{t("track.retry")}</span>
        </button>
      )}
      <button
        type="button"
        class="icon-button chevron"
        aria-label={t("track.details", { title })}
        aria-expanded={opened.value.has(id)}
        onClick={() => toggleDetails(id)}
      >
        <Icon name="chevron" />
      </button>
    </div>
  );
}

const SETTLED: readonly Track["state"][] = ["ready", "rejected", "failed", "cancelled", "expired"];

export function Row({ of }: { of: Signal<Track> }): JSX.Element {
  const track = of.value;
  const item = uploadOf(track.id).value;
  const [editing, setEditing] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const closeForm = (): void => {
    setEditing(false);
    root.current?.querySelector<HTMLElement>(".chevron")?.focus();
  };
  const isOpen = opened.value.has(track.id);
  const isCurrent = player.current.value?.id === track.id;
  return (
    <div ref={root} role="listitem" class={`row${isOpen ? " open" : ""}${isCurrent ? " current" : ""}`} data-state={track.state} data-track={track.id}>
      <div class="row-main">
        <Lead track={track} />
        {editing ? (
          <EditForm track={track} onClose={closeForm} />
        ) : (
          <div class="row-name" onDblClick={() => setEditing(true)}>
            <h3>{track.title}</h3>
            <p>
              {track.artist && <span class="artist">{track.artist}</span>}
              <span class="meta">{metaOf(track)}</span>
              {track.duplicate_of ? <Twin of={track.duplicate_of} /> : track.sounds_like[0] && <SoundsLike alike={track.sounds_like[0]} />}
            </p>
          </div>
        )}
        <div class="row-middle">
          <Middle track={track} item={item} />
        </div>
        <Actions track={track} item={item} />
      </div>
      {isOpen && (
        <div class="row-detail">
          <Detail track={track} />
          <div class="detail-actions">
            <button type="button" class="button quiet-button" onClick={() => setEditing(true)}>
              <Icon name="pencil" size={18} /> {t("track.edit")}
            </button>
            {(SETTLED.includes(track.state) || isForeign(track, item)) && (
              <button type="button" class="button quiet-button danger-text" onClick={() => askToDelete(track)}>
                <Icon name="bin" size={18} /> {t("track.delete")}
              </button>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
