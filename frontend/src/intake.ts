/** From a drop or a choice to the queue, with a word on what was left out. */
import { bytes } from "./format.ts";
import { plural, t } from "./i18n.ts";
import { session, sessionKnown } from "./session.ts";
import { toast } from "./toasts.ts";
import type { Track } from "./types.ts";
import { fromDrop, fromInput, type Gathered } from "./uploads/files.ts";
import { enqueue } from "./uploads/queue.ts";
import { isUnchanged, type Unfinished } from "./uploads/transfer.ts";

/** Which preset files are meant for; asked when the server has said which there are. */
export type Meant = () => string;

async function take({ picked, leftOut, unreadable }: Gathered, meant: Meant): Promise<void> {
  await sessionKnown;
  const limits = session.peek()?.limits;
  if (!limits) return;
  if (unreadable) toast(t("uploads.noFolder"), "bad");
  if (picked.length > 0) {
    enqueue(picked, meant(), limits);
    if (leftOut > 0) toast(plural("uploads.leftOut", leftOut));
  } else if (!unreadable) {
    toast(t("uploads.nothing"), "bad");
  }
}

export async function takeDrop(transfer: DataTransfer, meant: Meant): Promise<void> {
  await take(await fromDrop(transfer), meant);
}

export function takeInput(input: HTMLInputElement, meant: Meant): void {
  if (input.files && input.files.length > 0) void take(fromInput(input.files), meant);
  input.value = ""; // The same file can be chosen again.
}

/** Go on with what the server has a part of: only the file that was begun continues it. */
export function takeBack(input: HTMLInputElement, track: Track, begun: Unfinished): void {
  const { path, filename, previous } = begun;
  const limits = session.peek()?.limits;
  const file = input.files?.[0];
  input.value = "";
  if (!limits || !file) return;
  if (file.name !== filename || file.size !== previous.size) {
    toast(t("uploads.otherFile", { name: filename, size: bytes(previous.size) }), "bad");
    return;
  }
  // The rest of another version would make a file that nobody has.
  if (!isUnchanged(begun, file)) {
    toast(t("uploads.otherVersion", { name: filename }), "bad");
    return;
  }
  enqueue([{ file, relativePath: file.name, path }], track.preset, limits);
}
