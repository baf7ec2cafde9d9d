/** Who is at work, on all machines, and what waits: asked for only while somebody looks. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { getWorkers } from "../api.ts";
import { dateTime, percent } from "../format.ts";
import { t, tOr } from "../i18n.ts";
import { toastError } from "../toasts.ts";
import type { Doing, Worker, Workers } from "../types.ts";

const EVERY_MS = 3000;
/** A pulse comes every two seconds: after this long somebody should look. */
const QUIET_S = 6;

const open = signal(false);
const found = signal<Workers | null>(null);

type State = "working" | "waiting" | "draining" | "moving" | "silent";

const COLUMNS = ["where", "state", "slots", "doing", "since", "version"] as const;

const stateOf = ({ is_draining, silent_s, concurrency, at_work }: Worker): State => {
  if (silent_s > QUIET_S) return "silent";
  if (is_draining) return "draining";
  if (concurrency === 0) return "moving";
  return at_work > 0 ? "working" : "waiting";
};

function Doings({ doing }: { doing: readonly Doing[] }): JSX.Element {
  if (doing.length === 0) return <>–</>;
  return (
    <ul>
      {doing.map(({ track_id, title, stage, progress }) => (
        <li key={track_id}>
          <span class="crew-title">{title}</span> {tOr(`stage.${stage}`, stage)} {percent(progress)}
        </li>
      ))}
    </ul>
  );
}

function Line({ worker }: { worker: Worker }): JSX.Element {
  const state = stateOf(worker);
  return (
    <tr>
      <th scope="row">
        {worker.host} <small>{worker.pid}</small>
      </th>
      <td data-label={t("crew.state")}>
        <span class={`crew-state ${state}`}>{t(`crew.state.${state}`, { seconds: Math.round(worker.silent_s) })}</span>
      </td>
      <td data-label={t("crew.slots")}>
        {worker.concurrency > 0 ? t("crew.of", { used: worker.at_work, slots: worker.concurrency }) : "–"}
      </td>
      <td data-label={t("crew.doing")}>
        <Doings doing={worker.doing} />
      </td>
      <td data-label={t("crew.since")}>
        <time dateTime={worker.started_at}>{dateTime(worker.started_at)}</time>
      </td>
      <td data-label={t("crew.version")}>{worker.version}</td>
    </tr>
  );
}

function Table({ workers }: { workers: Workers }): JSX.Element {
  const { items, interactive, bulk, running } = workers;
  return (
    <>
      <p class="crew-queues" role="status">
        {t("crew.queues", { interactive, bulk, running })}
      </p>
      {!items.some(({ concurrency }) => concurrency > 0) && <p class="crew-nobody">{t("crew.nobody")}</p>}
      {items.length > 0 && (
        <table>
          <thead>
            <tr>
              {COLUMNS.map((name) => (
                <th key={name} scope="col">
                  {t(`crew.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((worker) => (
              <Line key={worker.id} worker={worker} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

export function Crew(): JSX.Element {
  const isOpen = open.value;
  useEffect(() => {
    if (!isOpen) return undefined;
    const look = (): void => void getWorkers().then((workers) => (found.value = workers), toastError);
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [isOpen]);
  return (
    <details class="crew" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{t("crew.title")}</summary>
      {isOpen && (found.value ? <Table workers={found.value} /> : <p class="note">{t("list.loading")}</p>)}
    </details>
  );
}
